package io.curvefs.client.quickstart;

import io.curvefs.client.bench.MountProbe;
import io.curvefs.client.bench.PageCache;
import io.curvefs.client.bench.Requests;
import io.curvefs.client.bench.TextTable;
import io.curvefs.client.mount.MountHandle;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Writes a training set into the mount, reads epochs of it, and tells what that took. */
final class Measurement {
  static final String DIRECTORY = "training";
  private static final long SEED = 1;
  private static final int THREADS_MAX = 4;

  /** The kernel may use names and attributes that it was told for a second. */
  private static final long KERNEL_MILLIS = 1_100;

  private final MountHandle mount;
  private final MountProbe probe;
  private final PrintStream out;
  private final TrainingSet set = new TrainingSet(SEED, TrainingSet.Shape.QUICKSTART);
  private final TextTable table =
      new TextTable(
          "PHASE", "FILES/S", "MIB/S", "S3 PUT", "S3 GET", "METADATA", "CPU", "OPERATIONS");

  Measurement(Path directory, PrintStream out) throws IOException {
    mount = MountHandle.containing(directory);
    probe = new MountProbe(mount);
    this.out = out;
  }

  void run() throws IOException {
    int threads = Math.min(THREADS_MAX, Math.max(2, Runtime.getRuntime().availableProcessors()));
    out.printf(
        "%nTraining set: %d files, %d MiB, written and read by %d threads; all that is read is"
            + " checked.%n",
        set.samples().size(), set.bytes() >> 20, threads);
    try (TrainingCopy copy = new TrainingCopy(set, mount.root().resolve(DIRECTORY), threads)) {
      if (copy.isComplete()) {
        out.println("It is there from an earlier run: only read this time.");
      } else {
        measure("write", copy::write);
      }
      mount.dropCaches();
      waitForKernel();
      measure("cold", () -> copy.read(1));
      new PageCache().drop(copy.files());
      measure("warm, client's caches", () -> copy.read(2));
      measure("warm, page cache", () -> copy.read(3));
    }
    out.printf("%n%s%n", table);
    out.println("cold: every cache of the mount was dropped; data comes from the object store");
    out.println("warm, client's caches: the kernel's copies were dropped; memory and disk cache");
    out.println("warm, page cache: directly again; the kernel has the data");
  }

  @FunctionalInterface
  private interface Phase {
    /** Returns seconds. */
    double run() throws IOException;
  }

  private void measure(String title, Phase phase) throws IOException {
    MountProbe.Reading before = probe.read();
    double seconds = phase.run();
    out.printf("  %s: %.1f s%n", title, seconds);
    MountProbe.Reading cost = probe.read().since(before);
    Requests requests = cost.requests();
    table.row(
        title,
        "%.0f".formatted(set.samples().size() / seconds),
        "%.1f".formatted(set.bytes() / seconds / (1 << 20)),
        Long.toString(requests.s3("PUT")),
        Long.toString(requests.s3("GET")),
        Long.toString(requests.metadataTotal()),
        "%.1f s".formatted(cost.cpuSeconds()),
        requests.metadataText());
  }

  private static void waitForKernel() throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(KERNEL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
