package io.curvefs.space.device.posix;

import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.In;

/** The functions of libc that we call; see section 2 of the manual. Addresses are plain numbers. */
@SuppressWarnings("MethodName") // named by POSIX
public interface LibC {
  /** Loaded once. */
  LibC INSTANCE = LibraryLoader.create(LibC.class).failImmediately().load("c");

  int O_RDWR = 2;
  int O_CLOEXEC = 0x80000;

  int SEEK_END = 2;

  /** Of {@link #preadv2}: only what is in memory, and no waiting. */
  int RWF_NOWAIT = 8;

  /** Of {@link #sync_file_range}: begins to write, and does not wait until that is done. */
  int SYNC_FILE_RANGE_WRITE = 2;

  int FALLOC_FL_KEEP_SIZE = 1;
  int FALLOC_FL_PUNCH_HOLE = 2;

  /** ioctl(2) of block devices: discards a range of two 64-bit numbers, offset and length. */
  int BLKDISCARD = 0x1277;

  int POLLIN = 1;
  int POLLOUT = 4;
  int POLLERR = 8;
  int POLLHUP = 16;

  int EFD_NONBLOCK = 0x800;
  int EFD_CLOEXEC = 0x80000;

  int open(String path, int flags, int mode);

  int close(int descriptor);

  long pread(int descriptor, long buffer, long count, long offset);

  long preadv2(int descriptor, @In long[] vector, int count, long offset, int flags);

  long pwrite(int descriptor, long buffer, long count, long offset);

  long read(int descriptor, long buffer, long count);

  long write(int descriptor, long buffer, long count);

  long lseek(int descriptor, long offset, int whence);

  int fdatasync(int descriptor);

  int sync_file_range(int descriptor, long offset, long count, int flags);

  int fallocate(int descriptor, int mode, long offset, long length);

  int ioctl(int descriptor, long request, long argument);

  int poll(long descriptors, long count, int timeoutMillis);

  int eventfd(int value, int flags);

  String strerror(int error);
}
