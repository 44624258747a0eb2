package io.curvefs.client.mount;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * Where written bytes may rest on this host before they are in the object store.
 *
 * @param enabled close and fsync return when the bytes are in the journal; if not, only what an
 *     earlier mount has left there is uploaded
 * @param directory of the journals, one for each file system
 * @param bytesMax most bytes of the journal on the disk
 * @param deadline age of the oldest bytes from which on writers are held up
 */
public record WritebackOptions(boolean enabled, Path directory, long bytesMax, Duration deadline) {
  /** Several segments, each of at least one block. */
  private static final long BYTES_MIN = 64L << 20;

  private static final Duration DEADLINE_DEFAULT = Duration.ofSeconds(30);

  public WritebackOptions {
    if (bytesMax < BYTES_MIN) {
      throw new IllegalArgumentException("option writeback_size must be at least 64M");
    }
  }

  /**
   * Takes the options of write-back out of those that were given.
   *
   * @param cacheDirectory what the journals lie below by default
   * @throws IllegalArgumentException naming the option that is wrong
   */
  static WritebackOptions take(Map<String, String> given, Path cacheDirectory) {
    Path directoryDefault = cacheDirectory.resolve("writeback");
    return new WritebackOptions(
        given.remove("writeback") != null,
        Path.of(MountOptions.take(given, "writeback_dir", directoryDefault.toString()))
            .toAbsolutePath()
            .normalize(),
        Sizes.bytes("writeback_size", MountOptions.take(given, "writeback_size", "4G")),
        MountOptions.duration(given, "writeback_deadline", DEADLINE_DEFAULT));
  }

  /** The journal of one file system. */
  Path of(String fileSystemUuid) {
    return directory.resolve(fileSystemUuid);
  }
}
