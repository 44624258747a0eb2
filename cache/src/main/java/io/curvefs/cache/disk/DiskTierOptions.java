package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;

/**
 * How the disk tier uses its directories.
 *
 * @param directories the cache directories, at least one; made if missing
 * @param namespace the file system whose blocks these are; several may share a directory, each with
 *     limits of its own
 * @param bytesMax room for this namespace in all directories together, in equal shares; 1 or more
 * @param filesMax most blocks to keep, in equal shares; 1 or more; each costs about 130 bytes of
 *     heap
 * @param freeRatioMin share of each disk that stays free whatever {@code bytesMax} says, 0 to 1
 * @param freeBytesMin bytes of each disk that stay free, 0 or more; the larger of both floors holds
 * @param queueBytesMax most bytes of pages that wait to be written, for each directory, 4 MiB or
 *     more; what exceeds is dropped
 * @param pageWaitMax how long a read waits for pages
 * @param retryAfter how long the tier stays away from a failing disk before it tries again
 */
public record DiskTierOptions(
    List<Path> directories,
    UUID namespace,
    long bytesMax,
    int filesMax,
    double freeRatioMin,
    long freeBytesMin,
    long queueBytesMax,
    Duration pageWaitMax,
    Duration retryAfter) {
  /** More directories than any host has disks. */
  public static final int DIRECTORIES_MAX = 64;

  public DiskTierOptions {
    directories = directories.stream().map(path -> path.toAbsolutePath().normalize()).toList();
    require(
        !directories.isEmpty() && directories.size() <= DIRECTORIES_MAX,
        "cache directories must be 1 to " + DIRECTORIES_MAX + ": " + directories.size());
    require(
        new HashSet<>(directories).size() == directories.size(),
        "a cache directory is named twice: " + directories);
    require(
        bytesMax >= directories.size(),
        "size of the disk cache must be at least 1 byte for each directory: " + bytesMax);
    require(
        filesMax >= directories.size(),
        "files of the disk cache must be at least 1 for each directory: " + filesMax);
    require(
        freeRatioMin >= 0 && freeRatioMin < 1,
        "free share of the cache disk must be at least 0 and below 1: " + freeRatioMin);
    require(freeBytesMin >= 0, "free bytes of the cache disk must be 0 or more: " + freeBytesMin);
    require(
        queueBytesMax >= BlockId.BYTES_MAX,
        "write queue of the disk cache must hold one block of 4 MiB: " + queueBytesMax);
    require(!pageWaitMax.isNegative(), "negative wait for pages: " + pageWaitMax);
    require(!retryAfter.isNegative(), "negative retry time: " + retryAfter);
  }

  /** One directory, and a floor that is a share of its disk. */
  public DiskTierOptions(
      Path directory,
      UUID namespace,
      long bytesMax,
      int filesMax,
      double freeRatioMin,
      long queueBytesMax,
      Duration pageWaitMax,
      Duration retryAfter) {
    this(
        List.of(directory),
        namespace,
        bytesMax,
        filesMax,
        freeRatioMin,
        0,
        queueBytesMax,
        pageWaitMax,
        retryAfter);
  }

  /** Room of one directory. */
  long bytesMaxEach() {
    return bytesMax / directories.size();
  }

  /** Most files of one directory. */
  int filesMaxEach() {
    return filesMax / directories.size();
  }

  private static void require(boolean valid, String otherwise) {
    if (!valid) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
