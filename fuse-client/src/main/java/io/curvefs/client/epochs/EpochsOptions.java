package io.curvefs.client.epochs;

import io.curvefs.client.quickstart.TrainingSet;
import java.nio.file.Path;

/**
 * What to measure.
 *
 * @param directory of everything that is needed meanwhile; made if missing
 * @param keep leave it behind
 * @param shape of the training set
 * @param readers threads that read an epoch
 * @param warmupThreads of a warmup, and of the object store's own rate beside it
 * @param rounds of the warm epochs, whose medians are told
 * @param latencyMillis that the object store adds to each request
 * @param mountOptions of the two mounts that read, separated by commas; empty: the defaults of a
 *     mount
 * @param seed of content and orders
 */
public record EpochsOptions(
    Path directory,
    boolean keep,
    TrainingSet.Shape shape,
    int readers,
    int warmupThreads,
    int rounds,
    int latencyMillis,
    String mountOptions,
    long seed) {
  private static final int THREADS_MAX = 64;
  private static final int ROUNDS_MAX = 100;
  private static final int LATENCY_MILLIS_MAX = 10_000;

  /** Of what is read before anything counts, so that all processes are compiled and connected. */
  private static final int PRACTICE_PART = 4;

  private static final int PRACTICE_SAMPLES_MAX = 2_000;
  private static final int PRACTICE_SHARD_BYTES = 16 << 20;

  public EpochsOptions {
    require("--readers", readers, 1, THREADS_MAX);
    require("--warmup-threads", warmupThreads, 1, THREADS_MAX);
    require("--rounds", rounds, 1, ROUNDS_MAX);
    require("--latency-millis", latencyMillis, 0, LATENCY_MILLIS_MAX);
    if (directory.toString().matches(".*[\\s,].*")) {
      throw new IllegalArgumentException(
          "--data " + directory + ": blanks and commas are not possible in mount options");
    }
  }

  private static void require(String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          option + " must be " + min + " to " + max + ", not " + value);
    }
  }

  /** A smaller set of the same kind. */
  TrainingSet.Shape practice() {
    int samples = Math.max(1, Math.min(PRACTICE_SAMPLES_MAX, shape.samples() / PRACTICE_PART));
    return new TrainingSet.Shape(samples, 1, 1, Math.min(PRACTICE_SHARD_BYTES, shape.shardBytes()));
  }
}
