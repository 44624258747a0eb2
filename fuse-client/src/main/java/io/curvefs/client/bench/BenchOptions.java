package io.curvefs.client.bench;

import io.curvefs.objectstore.S3Location;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What to measure.
 *
 * @param directory to measure
 * @param baseline a directory to compare with; null: none
 * @param rawS3 a bucket to compare with; null: none
 * @param bigFileBytes of each thread's big file
 * @param smallFiles of each thread
 * @param smallBytes of each small file
 * @param threads of the second half of the measurements; the first half uses one
 * @param rounds whose medians are reported
 * @param seed of all content
 */
public record BenchOptions(
    Path directory,
    @Nullable Path baseline,
    @Nullable S3Location rawS3,
    long bigFileBytes,
    int smallFiles,
    int smallBytes,
    int threads,
    int rounds,
    long seed) {
  private static final long BIG_BYTES_MAX = 1L << 40;
  private static final int SMALL_FILES_MAX = 1_000_000;
  private static final int SMALL_BYTES_MAX = 64 << 20;
  private static final int THREADS_MAX = 256;
  private static final int ROUNDS_MAX = 100;
  private static final long WARM_UP_BIG_BYTES = 64 << 20;
  private static final int WARM_UP_SMALL_FILES = 100;

  public BenchOptions {
    require("--big-file-size", bigFileBytes, BIG_BYTES_MAX);
    require("--small-files", smallFiles, SMALL_FILES_MAX);
    require("--small-size", smallBytes, SMALL_BYTES_MAX);
    require("--threads", threads, THREADS_MAX);
    require("--rounds", rounds, ROUNDS_MAX);
  }

  private static void require(String option, long value, long max) {
    if (value < 1 || value > max) {
      throw new IllegalArgumentException(option + " must be 1 to " + max + ", not " + value);
    }
  }

  /** The same with little data, for a round that does not count. */
  BenchOptions warmUp() {
    return new BenchOptions(
        directory,
        baseline,
        rawS3,
        Math.min(bigFileBytes, WARM_UP_BIG_BYTES),
        Math.min(smallFiles, WARM_UP_SMALL_FILES),
        smallBytes,
        threads,
        rounds,
        seed);
  }

  /** The numbers of threads to measure with. */
  List<Integer> crews() {
    return threads == 1 ? List.of(1) : List.of(1, threads);
  }
}
