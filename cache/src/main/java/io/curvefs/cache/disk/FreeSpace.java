package io.curvefs.cache.disk;

import java.io.IOException;
import java.nio.file.FileStore;

/** The part of the disk that the cache must leave to others. */
@FunctionalInterface
interface FreeSpace {
  /** Bytes that may still be written; negative when as many must go. */
  long spareBytes() throws IOException;

  /** Keeps a share of the whole disk free, or a number of bytes, whichever is more. */
  static FreeSpace of(FileStore disk, double ratioMin, long bytesMin) {
    return () -> {
      long floor = Math.max((long) (disk.getTotalSpace() * ratioMin), bytesMin);
      return disk.getUsableSpace() - floor;
    };
  }
}
