package io.curvefs.client.trial;

import io.curvefs.client.quickstart.Children;
import io.curvefs.rpc.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/** How long the space of a very long file with many holes takes to come back, and what it costs. */
final class TruncateTrial {
  private static final int WRITTEN_BYTES = 2 << 20;
  private static final long GIB = 1L << 30;
  private static final long POLL_MILLIS = 200;

  /** Until raft groups that need them no more have given their empty block groups back. */
  private static final Duration ROOM_MAX = Duration.ofMinutes(3);

  private final TrialOptions options;
  private final Installation installation;
  private final TrialMount mount;
  private final Checks checks;
  private final Findings findings;

  TruncateTrial(
      TrialOptions options,
      Installation installation,
      TrialMount mount,
      Checks checks,
      Findings findings) {
    this.options = options;
    this.installation = installation;
    this.mount = mount;
    this.checks = checks;
    this.findings = findings;
  }

  /**
   * @param seconds until all blocks were free again
   * @param entries of raft that it took meanwhile, those of idle groups included
   */
  record Result(double seconds, double callSeconds, double entries, long blocks) {}

  Result run() throws IOException {
    Random random = new Random(options.seed());
    Path path = mount.root().resolve("sparse");
    byte[] bytes = new byte[WRITTEN_BYTES];
    long before = checks.settled("before the truncate").used();
    try (OpenFile file = OpenFile.create(path)) {
      for (int gib = 0; gib < options.sparseGib(); gib++) {
        random.nextBytes(bytes);
        long offset = gib * GIB + random.nextInt((int) (GIB - WRITTEN_BYTES));
        write(file, bytes, offset);
      }
      file.sync();
    }
    Space written = checks.settled("before the truncate");
    double entriesBefore = installation.entriesApplied();
    long begun = System.nanoTime();
    try (OpenFile file = OpenFile.open(path)) {
      file.truncate(0);
    }
    double callSeconds = (System.nanoTime() - begun) / 1e9;
    Space now;
    do {
      Children.pause(POLL_MILLIS);
      now = installation.space();
    } while (now.used() > before || now.quarantined() > 0);
    Result result =
        new Result(
            (System.nanoTime() - begun) / 1e9,
            callSeconds,
            installation.entriesApplied() - entriesBefore,
            written.used() - before);
    checks.fsck("after the truncate");
    Files.delete(path);
    findings.say(
        "truncate of %d GiB with %d blocks: %.2f s for the call, %.1f s until all was free, %.0f entries"
            .formatted(
                options.sparseGib(),
                result.blocks(),
                result.callSeconds(),
                result.seconds(),
                result.entries()));
    return result;
  }

  private static void write(OpenFile file, byte[] bytes, long offset) throws IOException {
    Deadline deadline = Deadline.in(ROOM_MAX);
    while (true) {
      try {
        if (file.write(bytes, bytes.length, offset) == bytes.length) {
          return;
        }
      } catch (FailedCallException e) {
        if (e.errno() != FailedCallException.NO_SPACE) {
          throw e;
        }
      }
      if (deadline.hasPassed()) {
        throw new IOException("the volume is too small: use a larger --volume-mib");
      }
      Children.pause(POLL_MILLIS);
    }
  }
}
