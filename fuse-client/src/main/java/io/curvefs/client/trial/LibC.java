package io.curvefs.client.trial;

import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;
import jnr.ffi.types.off_t;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;

/** What programs ask of a file system; see the manual pages of these names. Public for jnr-ffi. */
public interface LibC {
  LibC INSTANCE = LibraryLoader.create(LibC.class).load("c");

  /** {@code O_RDWR | O_CLOEXEC}. */
  int READ_WRITE = 0x80002;

  /** {@code O_CREAT}. */
  int CREATE = 0x40;

  /** {@code FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE}. */
  int PUNCH_HOLE = 3;

  int open(String path, int flags, int mode);

  int close(int descriptor);

  @ssize_t
  long pread(int descriptor, @Out byte[] bytes, @size_t long count, @off_t long offset);

  @ssize_t
  long pwrite(int descriptor, @In byte[] bytes, @size_t long count, @off_t long offset);

  int ftruncate(int descriptor, @off_t long length);

  int fallocate(int descriptor, int mode, @off_t long offset, @off_t long length);

  int fsync(int descriptor);
}
