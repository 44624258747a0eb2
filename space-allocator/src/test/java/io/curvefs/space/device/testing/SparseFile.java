package io.curvefs.space.device.testing;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/** A file with holes, for devices over it. */
public final class SparseFile {
  private static final long BLOCK = 512;

  private SparseFile() {}

  /** Makes a file that is one hole, or gives a file another size. */
  public static Path withSize(Path path, long bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(bytes);
    }
    return path;
  }

  /** Bytes that it takes on its disk. */
  public static long allocated(Path path) throws IOException {
    return Long.parseLong(ServerProcess.run("stat", "-c", "%b", path.toString())) * BLOCK;
  }
}
