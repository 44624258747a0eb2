package io.curvefs.client.mount;

import io.curvefs.cache.disk.DiskTierOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The mount options of the disk cache.
 *
 * @param directories where it is; {@code bytesMax} and {@code filesMax} are split evenly
 * @param bytesMax its limit for this file system, all directories together; 0: no disk cache
 * @param filesMax most blocks in it, 1 or more
 * @param freeRatioMin share of each disk that stays free, at least 0 and below 1
 * @param freeBytesMin bytes of each disk that stay free, 0 or more; the larger floor holds
 * @param writtenThrough whether blocks that are written here go into it, not only what is read
 */
public record DiskCacheOptions(
    List<Path> directories,
    long bytesMax,
    int filesMax,
    double freeRatioMin,
    long freeBytesMin,
    boolean writtenThrough) {
  private static final long QUEUE_BYTES_MAX = 64L << 20;
  private static final Duration PAGE_WAIT_MAX = Duration.ofSeconds(10);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(30);

  public DiskCacheOptions {
    directories = List.copyOf(directories);
    if (directories.isEmpty() || new HashSet<>(directories).size() < directories.size()) {
      throw new IllegalArgumentException(
          "option cache_dir must name directories, each once: " + directories);
    }
    if (directories.size() > DiskTierOptions.DIRECTORIES_MAX) {
      throw new IllegalArgumentException(
          "option cache_dir names more than " + DiskTierOptions.DIRECTORIES_MAX + " directories");
    }
    if (filesMax < directories.size()) {
      throw new IllegalArgumentException(
          "option cache_files must be at least 1 for each directory: " + filesMax);
    }
  }

  /**
   * Takes the options of the disk cache out of those that were given.
   *
   * @throws IllegalArgumentException naming the option that is wrong
   */
  static DiskCacheOptions take(Map<String, String> given, Path directoryDefault) {
    String free = MountOptions.take(given, "cache_free", "10%");
    return new DiskCacheOptions(
        directories(MountOptions.take(given, "cache_dir", directoryDefault.toString())),
        Sizes.bytes("cache_size", MountOptions.take(given, "cache_size", "10G")),
        files(MountOptions.take(given, "cache_files", "1000000")),
        freeRatio(free),
        freeBytes(free),
        writtenThrough(MountOptions.take(given, "cache_populate", "all")));
  }

  private static List<Path> directories(String text) {
    List<Path> directories = new ArrayList<>();
    for (String directory : text.split(":", -1)) {
      if (directory.isEmpty()) {
        throw new IllegalArgumentException(
            "option cache_dir=" + text + " has an empty name: it is DIR or DIR:DIR:...");
      }
      directories.add(Path.of(directory).toAbsolutePath().normalize());
    }
    return directories;
  }

  private static int files(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("option cache_files=" + text + " is no number", e);
    }
  }

  /** The share of {@code 10%}; 0 of a size. */
  private static double freeRatio(String text) {
    if (!text.endsWith("%")) {
      return 0;
    }
    try {
      double percent = Double.parseDouble(text.substring(0, text.length() - 1));
      if (percent >= 0 && percent < 100) {
        return percent / 100;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw badFree(text);
  }

  /** The bytes of {@code 50G}; 0 of a share. */
  private static long freeBytes(String text) {
    try {
      return text.endsWith("%") ? 0 : Sizes.bytes("cache_free", text);
    } catch (IllegalArgumentException e) {
      throw badFree(text);
    }
  }

  private static IllegalArgumentException badFree(String text) {
    return new IllegalArgumentException(
        "option cache_free=" + text + " is no share such as 10% or size such as 50G");
  }

  private static boolean writtenThrough(String text) {
    return switch (text) {
      case "all" -> true;
      case "read" -> false;
      default ->
          throw new IllegalArgumentException(
              "option cache_populate=" + text + " is neither 'read' nor 'all'");
    };
  }

  /** What the disk tier of a file system is opened with; null for none. */
  @Nullable DiskTierOptions tier(UUID fileSystem) {
    return bytesMax == 0
        ? null
        : new DiskTierOptions(
            directories,
            fileSystem,
            Math.max(bytesMax, directories.size()),
            filesMax,
            freeRatioMin,
            freeBytesMin,
            QUEUE_BYTES_MAX,
            PAGE_WAIT_MAX,
            RETRY_AFTER);
  }
}
