package io.curvefs.client.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import jnr.ffi.LastError;
import jnr.ffi.Runtime;

/** The kernel's cache of file content, of which anybody may have single files dropped. */
public final class PageCache implements CacheDropper {
  /** ENOENT. */
  private static final int NO_SUCH_FILE = 2;

  @Override
  public void drop(Collection<Path> files) throws IOException {
    for (Path file : files) {
      drop(file, true);
    }
  }

  /** The same for files so many that it is faster to have everything on the machine written. */
  public void dropMany(Collection<Path> files) throws IOException {
    LibC.INSTANCE.sync();
    for (Path file : files) {
      drop(file, false);
    }
  }

  /**
   * @param write it first, since only clean pages go
   */
  private static void drop(Path file, boolean write) throws IOException {
    int descriptor = LibC.INSTANCE.open(file.toString(), LibC.READ_ONLY);
    if (descriptor < 0) {
      int errno = LastError.getLastError(Runtime.getSystemRuntime());
      if (errno == NO_SUCH_FILE) {
        return; // nor has it pages any more
      }
      throw failed("open", file, errno);
    }
    try {
      if (write && LibC.INSTANCE.fsync(descriptor) != 0) {
        throw failed("fsync", file, LastError.getLastError(Runtime.getSystemRuntime()));
      }
      int error = LibC.INSTANCE.posix_fadvise(descriptor, 0, 0, LibC.DONT_NEED);
      if (error != 0) {
        throw failed("posix_fadvise", file, error);
      }
    } finally {
      LibC.INSTANCE.close(descriptor);
    }
  }

  private static IOException failed(String call, Path file, int errno) {
    return new IOException(
        file + ": its page cache cannot be dropped: " + call + " failed (errno " + errno + ")");
  }

  @Override
  public String key() {
    return "posix_fadvise";
  }

  @Override
  public String explanation() {
    return "posix_fadvise(DONTNEED) after fsync: content leaves the page cache, attributes stay";
  }
}
