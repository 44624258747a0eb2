package io.curvefs.client.cli;

import io.curvefs.client.mount.MountHandle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what a mount counts. */
@Command(
    name = "stats",
    description = "Print the counters of a mount; docs/metrics.md explains each.",
    mixinStandardHelpOptions = true)
final class StatsCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "DIR", description = "Any path in the mount.")
  private Path directory;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Map<String, Double> values = MountHandle.containing(directory).statistics();
    if (json) {
      Json.print(values);
      return 0;
    }
    values.forEach(
        (name, value) ->
            System.out.printf(
                value == Math.rint(value) ? "%-60s %.0f%n" : "%-60s %.6f%n", name, value));
    return 0;
  }
}
