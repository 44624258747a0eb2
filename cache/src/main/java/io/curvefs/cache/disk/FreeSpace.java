package io.curvefs.cache.disk;

import java.io.IOException;
import java.nio.file.FileStore;

/** The part of the disk that the cache must leave to others. */
@FunctionalInterface
interface FreeSpace {
  /**
   * Bytes that must go so that {@code more} bytes may be written; 0 when there is room for them.
   */
  long lackingFor(long more) throws IOException;

  /** Keeps a share of the whole disk free. */
  static FreeSpace of(FileStore disk, double ratioMin) {
    return more -> {
      long floor = (long) (disk.getTotalSpace() * ratioMin);
      return Math.max(0, floor + more - disk.getUsableSpace());
    };
  }
}
