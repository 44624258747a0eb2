package io.curvefs.client.trial;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import jnr.ffi.LastError;
import jnr.ffi.Runtime;

/** An open file, whose calls say with which errno they fail. Not thread-safe. */
final class OpenFile implements AutoCloseable {
  private static final int MODE = 0644;
  private static final int PIECE_BYTES = 1 << 20;

  private int descriptor;

  private OpenFile(int descriptor) {
    this.descriptor = descriptor;
  }

  static OpenFile open(Path path) throws IOException {
    return open(path, LibC.READ_WRITE);
  }

  static OpenFile create(Path path) throws IOException {
    return open(path, LibC.READ_WRITE | LibC.CREATE);
  }

  private static OpenFile open(Path path, int flags) throws IOException {
    return new OpenFile((int) checked("open", LibC.INSTANCE.open(path.toString(), flags, MODE)));
  }

  private static long checked(String call, long result) throws FailedCallException {
    if (result < 0) {
      throw new FailedCallException(call, LastError.getLastError(Runtime.getSystemRuntime()));
    }
    return result;
  }

  /** Writes once; returns how much was taken. */
  int write(byte[] bytes, int count, long offset) throws IOException {
    return (int) checked("write", LibC.INSTANCE.pwrite(descriptor, bytes, count, offset));
  }

  /** Everything there is. */
  byte[] readAll() throws IOException {
    byte[] all = new byte[0];
    byte[] piece = new byte[PIECE_BYTES];
    while (true) {
      int count =
          (int) checked("read", LibC.INSTANCE.pread(descriptor, piece, piece.length, all.length));
      if (count == 0) {
        return all;
      }
      int before = all.length;
      all = Arrays.copyOf(all, before + count);
      System.arraycopy(piece, 0, all, before, count);
    }
  }

  void truncate(long length) throws IOException {
    checked("ftruncate", LibC.INSTANCE.ftruncate(descriptor, length));
  }

  void punch(long offset, long length) throws IOException {
    checked("fallocate", LibC.INSTANCE.fallocate(descriptor, LibC.PUNCH_HOLE, offset, length));
  }

  void sync() throws IOException {
    checked("fsync", LibC.INSTANCE.fsync(descriptor));
  }

  /** May be repeated. */
  @Override
  public void close() throws IOException {
    if (descriptor >= 0) {
      int closing = descriptor;
      descriptor = -1;
      checked("close", LibC.INSTANCE.close(closing));
    }
  }
}
