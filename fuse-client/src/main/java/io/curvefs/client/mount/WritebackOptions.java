package io.curvefs.client.mount;

import java.nio.file.Path;
import java.time.Duration;

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

  public WritebackOptions {
    if (bytesMax < BYTES_MIN) {
      throw new IllegalArgumentException("option writeback_size must be at least 64M");
    }
  }

  /** The journal of one file system. */
  Path of(String fileSystemUuid) {
    return directory.resolve(fileSystemUuid);
  }
}
