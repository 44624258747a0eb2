package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import java.time.Duration;
import java.util.UUID;

/**
 * How the memcached tier uses its servers.
 *
 * @param namespace the file system whose blocks these are; several may share the servers
 * @param silenceMax how long a server that was asked may send nothing before it is left alone
 * @param requestMax how long one request may take in all, before the same
 * @param connectMax how long a connection may take to come about
 * @param retryAfter how long a server that failed is left alone before it is tried again, in the
 *     background
 * @param connections to each server, 1 or more
 * @param readBytesMax most bytes on their way from one server, 4 MiB or more; who exceeds them
 *     waits
 * @param storeBytesMax most bytes of blocks on their way to the servers, which are on the heap
 *     meanwhile; 4 MiB or more
 * @param fillBytesMax most bytes of pages that wait to be stored in the background, 4 MiB or more;
 *     what exceeds is dropped
 * @param storeWaitMax how long storing for a warmup waits for its turn
 * @param readWaitMax how long a read waits for its turn, and for pages
 */
public record MemcachedOptions(
    UUID namespace,
    Duration silenceMax,
    Duration requestMax,
    Duration connectMax,
    Duration retryAfter,
    int connections,
    int readBytesMax,
    int storeBytesMax,
    int fillBytesMax,
    Duration storeWaitMax,
    Duration readWaitMax) {
  public MemcachedOptions {
    requirePositive("answers", silenceMax);
    requirePositive("whole answers", requestMax);
    requirePositive("connections", connectMax);
    requirePositive("the next try", retryAfter);
    requirePositive("storing", storeWaitMax);
    requirePositive("a read", readWaitMax);
    if (connections < 1) {
      throw new IllegalArgumentException("connections to memcached: " + connections);
    }
    if (Math.min(readBytesMax, Math.min(storeBytesMax, fillBytesMax)) < BlockId.BYTES_MAX) {
      throw new IllegalArgumentException(
          "bytes on their way from and to memcached must hold one block of 4 MiB: %d, %d, %d"
              .formatted(readBytesMax, storeBytesMax, fillBytesMax));
    }
  }

  /**
   * One connection; 1 s for the next byte, for a connection and until the next try, 5 s for a
   * request; 16 MiB on their way and as many waiting; 30 s to store, 10 s for pages.
   */
  public static MemcachedOptions defaults(UUID namespace) {
    return new MemcachedOptions(
        namespace,
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(1),
        Duration.ofSeconds(1),
        1,
        16 << 20,
        16 << 20,
        16 << 20,
        Duration.ofSeconds(30),
        Duration.ofSeconds(10));
  }

  private static void requirePositive(String what, Duration wait) {
    if (wait.isNegative() || wait.toMillis() == 0) {
      throw new IllegalArgumentException("wait for " + what + " must be at least 1 ms: " + wait);
    }
  }
}
