package io.curvefs.objectstore.aws;

import java.time.Duration;

/**
 * The bounds of an {@link S3ObjectStore}.
 *
 * @param concurrentPutsMax connections for writing, 1 to 10000; further puts wait their turn, and
 *     their time counts from when they are sent ({@link PutQueue})
 * @param concurrentReadsMax connections for reading, listing and deleting, 1 to 10000; likewise
 * @param connectTimeout longest wait for a connection to open
 * @param stallTimeout longest silence within an attempt before the next one
 * @param totalBound longest time of one call with all its attempts, at least a stall. A put over a
 *     thin line, which is slow and not silent, may take {@link #MOVING_PUT_BOUNDS} times as long,
 *     so that many large puts do not time each other out.
 */
public record S3Limits(
    int concurrentPutsMax,
    int concurrentReadsMax,
    Duration connectTimeout,
    Duration stallTimeout,
    Duration totalBound) {

  /** With 32 MiB under way at once and 60 s, a line of 112 KB/s will do. */
  static final int MOVING_PUT_BOUNDS = 5;

  /** 64 connections each way, 5 s to connect, 20 s of silence, 60 s in all. */
  public static final S3Limits DEFAULTS =
      new S3Limits(64, 64, Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(60));

  public S3Limits {
    if (concurrentPutsMax < 1 || concurrentPutsMax > 10_000) {
      throw new IllegalArgumentException(
          "concurrent puts must be 1 to 10000, not " + concurrentPutsMax);
    }
    if (concurrentReadsMax < 1 || concurrentReadsMax > 10_000) {
      throw new IllegalArgumentException(
          "concurrent reads must be 1 to 10000, not " + concurrentReadsMax);
    }
    if (connectTimeout.toMillis() < 1
        || stallTimeout.toMillis() < 1
        || totalBound.compareTo(stallTimeout) < 0) {
      throw new IllegalArgumentException(
          "timeouts must be positive and the total bound no less than a stall, not connect "
              + connectTimeout
              + ", stall "
              + stallTimeout
              + ", total "
              + totalBound);
    }
  }

  /**
   * Longest wait for a connection of the pool that writes. Puts never queue for one, so it is the
   * time to open it, and one second more.
   */
  Duration acquireTimeout() {
    return min(connectTimeout.plusSeconds(1), totalBound);
  }

  /** The longest time of a put whose bytes move. */
  Duration movingPutBound() {
    return totalBound.multipliedBy(MOVING_PUT_BOUNDS);
  }

  /** The same with another bound for the whole call; the shorter timeouts shrink to fit. */
  public S3Limits withTotalBound(Duration bound) {
    return new S3Limits(
        concurrentPutsMax,
        concurrentReadsMax,
        min(connectTimeout, bound),
        min(stallTimeout, bound),
        bound);
  }

  /** The same with another bound for silence. */
  public S3Limits withStallTimeout(Duration stall) {
    return new S3Limits(
        concurrentPutsMax, concurrentReadsMax, min(connectTimeout, stall), stall, totalBound);
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}
