package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;

/**
 * How the disk tier uses its directory.
 *
 * @param directory the cache directory; made if missing
 * @param namespace the file system whose blocks these are; several may share a directory
 * @param bytesMax room for this namespace and process, 1 or more
 * @param filesMax most blocks to keep, 1 or more; each costs about 100 bytes of heap
 * @param freeRatioMin share of the disk that stays free whatever {@code bytesMax} says, 0 to 1
 * @param queueBytesMax most bytes of pages that wait to be written, 4 MiB or more; what exceeds is
 *     dropped
 * @param pageWaitMax how long a read waits for pages
 * @param retryAfter how long the tier stays away from a failing disk before it tries again
 */
public record DiskTierOptions(
    Path directory,
    UUID namespace,
    long bytesMax,
    int filesMax,
    double freeRatioMin,
    long queueBytesMax,
    Duration pageWaitMax,
    Duration retryAfter) {
  public DiskTierOptions {
    require(bytesMax >= 1, "size of the disk cache must be at least 1 byte: " + bytesMax);
    require(filesMax >= 1, "files of the disk cache must be at least 1: " + filesMax);
    require(
        freeRatioMin >= 0 && freeRatioMin < 1,
        "free share of the cache disk must be at least 0 and below 1: " + freeRatioMin);
    require(
        queueBytesMax >= BlockId.BYTES_MAX,
        "write queue of the disk cache must hold one block of 4 MiB: " + queueBytesMax);
    require(!pageWaitMax.isNegative(), "negative wait for pages: " + pageWaitMax);
    require(!retryAfter.isNegative(), "negative retry time: " + retryAfter);
  }

  /**
   * A million blocks, a tenth of the disk free, 64 MiB of queue, 10 s for pages, retry after 30 s.
   */
  public static DiskTierOptions defaults(Path directory, UUID namespace, long bytesMax) {
    return new DiskTierOptions(
        directory,
        namespace,
        bytesMax,
        1_000_000,
        0.1,
        64L << 20,
        Duration.ofSeconds(10),
        Duration.ofSeconds(30));
  }

  private static void require(boolean valid, String otherwise) {
    if (!valid) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
