package io.curvefs.client.cli;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.stats.Interval;
import io.curvefs.client.stats.LiveTable;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a mount counts: as it goes on, or once. */
@Command(
    name = "stats",
    description = {
      "Show what a mount does: a line for each interval until Ctrl-C on a terminal, else (or with"
          + " --once) every counter. docs/metrics.md explains each.",
    },
    mixinStandardHelpOptions = true)
final class StatsCommand implements Callable<Integer> {
  /** Lines between two headers. */
  private static final int SCREEN_LINES = 20;

  @Parameters(index = "0", paramLabel = "DIR", description = "Any path in the mount.")
  private Path directory;

  @Option(names = "--json", description = "Print every counter as one JSON document.")
  private boolean json;

  @Option(names = "--once", description = "Print every counter, also on a terminal.")
  private boolean once;

  @Option(
      names = "--interval",
      paramLabel = "SECONDS",
      description = "Go on, with a line that often. Default on a terminal: 1")
  private @Nullable Integer interval;

  @Option(names = "--count", paramLabel = "N", description = "End after so many lines.")
  private @Nullable Integer count;

  @Override
  public Integer call() throws IOException {
    if ((interval != null && interval < 1) || (count != null && count < 1)) {
      throw new IllegalArgumentException("--interval and --count must be at least 1");
    }
    MountHandle mount = MountHandle.containing(directory);
    if (json) {
      Json.print(mount.statistics());
      return 0;
    }
    if (!once && (interval != null || count != null || Terminal.isOutput())) {
      int seconds = interval == null ? 1 : interval;
      int lines = count == null ? Integer.MAX_VALUE : count;
      Interruptible.run(() -> live(mount, seconds, lines));
      return 0;
    }
    mount
        .statistics()
        .forEach(
            (name, value) ->
                System.out.printf(
                    value == Math.rint(value) ? "%-60s %.0f%n" : "%-60s %.6f%n", name, value));
    return 0;
  }

  private static void live(MountHandle mount, int seconds, int lines) throws IOException {
    try (RaftCounters raft = new RaftCounters(mount.spec().servers())) {
      LiveTable table = new LiveTable(mount.staged().isPresent());
      String header = "";
      Reading before = Reading.of(mount, raft);
      for (int line = 0; line < lines; line++) {
        Interruptible.pause(before.nanos + TimeUnit.SECONDS.toNanos(seconds));
        Reading after = Reading.of(mount, raft);
        Interval interval = after.since(before);
        before = after;
        String wanted = table.header(interval);
        if (line % SCREEN_LINES == 0 || !wanted.equals(header)) {
          System.out.println(wanted);
          header = wanted;
        }
        System.out.println(
            interval.isRestarted()
                ? "another process serves the mount now: its counters began anew"
                : table.row(interval));
      }
    }
  }

  /**
   * A moment.
   *
   * @param nanos of {@link System#nanoTime}
   */
  private record Reading(
      long nanos, Map<String, Double> mount, Map<HostPort, Map<String, Double>> raft) {
    static Reading of(MountHandle mount, RaftCounters raft) throws IOException {
      try {
        return new Reading(System.nanoTime(), mount.statistics(), raft.read());
      } catch (IOException e) {
        mount.requirePresent();
        throw e;
      }
    }

    Interval since(Reading before) {
      Set<HostPort> both = new HashSet<>(raft.keySet());
      both.retainAll(before.raft.keySet());
      return new Interval(before.values(both), values(both), (nanos - before.nanos) / 1e9);
    }

    /** The mount's values and those of some servers, kept apart by a tag. */
    private Map<String, Double> values(Set<HostPort> servers) {
      Map<String, Double> values = new HashMap<>(mount);
      for (HostPort server : servers) {
        raft.getOrDefault(server, Map.of())
            .forEach((name, value) -> values.put(name + "@" + server, value));
      }
      return values;
    }
  }
}
