package io.curvefs.client.cli;

import io.curvefs.client.quickstart.Home;
import io.curvefs.client.quickstart.Layout;
import io.curvefs.client.quickstart.Teardown;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Ends what quickstart started. */
@Command(
    name = "stop",
    description = "End what 'curvefs quickstart' started: unmount, then stop its servers.",
    mixinStandardHelpOptions = true)
final class StopCommand implements Callable<Integer> {
  @Option(
      names = "--mount",
      paramLabel = "DIR",
      description = "Where it is mounted. Default: where quickstart mounted it")
  private @Nullable Path mount;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Of servers, caches and logs. Default: ~/.curvefs-quickstart")
  private @Nullable Path data;

  @Option(names = "--purge", description = "Delete the data too.")
  private boolean purge;

  @Override
  public Integer call() throws Exception {
    new Teardown(Layout.of(data, mount), StopCommand::unmount, System.out)
        .run(purge, Home.ofThisProcess());
    return 0;
  }

  private static void unmount(Path directory) throws Exception {
    CommandLine.populateCommand(new UmountCommand(), directory.toString()).call();
  }
}
