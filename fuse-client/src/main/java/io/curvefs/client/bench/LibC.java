package io.curvefs.client.bench;

import jnr.ffi.LibraryLoader;

/** What Java does not offer of the C library; see the manual pages of these names. */
public interface LibC {
  LibC INSTANCE = LibraryLoader.create(LibC.class).load("c");

  int STDERR = 2;

  /** {@code O_RDONLY | O_CLOEXEC}. */
  int READ_ONLY = 0x80000;

  /** {@code POSIX_FADV_DONTNEED}. */
  int DONT_NEED = 4;

  /** {@code _SC_CLK_TCK}. */
  int CLOCK_TICKS = 2;

  int open(String path, int flags);

  int close(int descriptor);

  int fsync(int descriptor);

  void sync();

  /** Returns the error instead of setting errno. */
  int posix_fadvise(int descriptor, long offset, long length, int advice);

  int isatty(int descriptor);

  long sysconf(int name);
}
