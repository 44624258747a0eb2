package io.curvefs.client.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of commands that bring up an installation of their own: where its files are. */
final class MeasuringPlace {
  private static final Path TEMPORARY = Path.of("/var/tmp");

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "For all files meanwhile; empty or new. Default: a new one in /var/tmp")
  private @Nullable Path data;

  @Option(names = "--keep", description = "Leave these files behind; logs are among them.")
  private boolean keep;

  boolean keep() {
    return keep;
  }

  /**
   * The directory. By default one on a disk: a file system in memory would measure something else.
   *
   * @param name of the command, for a directory of its own
   */
  Path directory(String name) {
    Path chosen = data;
    if (chosen == null) {
      Path parent =
          Files.isWritable(TEMPORARY) ? TEMPORARY : Path.of(System.getProperty("java.io.tmpdir"));
      chosen = parent.resolve("curvefs-" + name + "-" + ProcessHandle.current().pid());
    }
    return chosen.toAbsolutePath().normalize();
  }
}
