package io.curvefs.client.cli;

import java.io.IOException;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code curvefs} command. */
@Command(
    name = "curvefs",
    description = "A distributed POSIX file system for AI training.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      QuickstartCommand.class,
      StopCommand.class,
      MetaServerCommand.class,
      S3Command.class,
      FsCommand.class,
      VolumeCommand.class,
      FsckCommand.class,
      CacheClusterCommand.class,
      MountCommand.class,
      UmountCommand.class,
      StatsCommand.class,
      ProfileCommand.class,
      WarmupCommand.class,
      BenchCommand.class,
      EpochsCommand.class,
      VolumeTrialCommand.class
    })
public final class Curvefs {
  private Curvefs() {}

  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT); // numbers are for scripts too
    System.exit(run(args));
  }

  /** Runs a command; an expected failure is one line on standard error. */
  static int run(String... args) {
    return new CommandLine(new Curvefs())
        .setUsageHelpWidth(110)
        .setExecutionExceptionHandler(
            (failure, command, parsed) -> {
              if (failure instanceof IOException expected) {
                command.getErr().println("curvefs: " + Failures.explained(expected).getMessage());
              } else if (failure instanceof IllegalArgumentException) {
                command.getErr().println("curvefs: " + failure.getMessage());
              } else {
                failure.printStackTrace(command.getErr());
              }
              return CommandLine.ExitCode.SOFTWARE;
            })
        .setCaseInsensitiveEnumValuesAllowed(true)
        .execute(args);
  }
}
