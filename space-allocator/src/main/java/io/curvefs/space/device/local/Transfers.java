package io.curvefs.space.device.local;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.posix.Errno;
import io.curvefs.space.device.posix.LibC;
import io.curvefs.space.device.posix.NativeMemory;
import java.io.IOException;

/** Reads and writes of a descriptor: whole, and with the memory that direct I/O wants. */
final class Transfers {
  private static final LibC LIBC = LibC.INSTANCE;
  private static final int BOUNCE_BYTES = 1 << 20;

  private final String device;
  private final int descriptor;
  private final boolean direct;

  Transfers(String device, int descriptor, boolean direct) {
    this.device = device;
    this.descriptor = descriptor;
    this.direct = direct;
  }

  /**
   * Reads what the page cache has, without waiting for any device, and returns how much that was:
   * so that who finds everything there needs no other thread.
   */
  long readCached(long address, long length, long offset) {
    long[] vector = {address, length};
    return Math.max(0, LIBC.preadv2(descriptor, vector, 1, offset, LibC.RWF_NOWAIT));
  }

  void read(long address, long length, long offset) throws IOException {
    if (!direct || address % BlockDevice.BLOCK_BYTES == 0) {
      transfer(false, address, length, offset);
      return;
    }
    long memory = NativeMemory.allocate(BOUNCE_BYTES + BlockDevice.BLOCK_BYTES);
    try {
      long aligned = aligned(memory);
      for (long done = 0; done < length; done += BOUNCE_BYTES) {
        long piece = Math.min(BOUNCE_BYTES, length - done);
        transfer(false, aligned, piece, offset + done);
        NativeMemory.copy(aligned, address + done, piece);
      }
    } finally {
      NativeMemory.free(memory);
    }
  }

  void write(long address, long length, long offset) throws IOException {
    if (!direct || address % BlockDevice.BLOCK_BYTES == 0) {
      transfer(true, address, length, offset);
      return;
    }
    long memory = NativeMemory.allocate(BOUNCE_BYTES + BlockDevice.BLOCK_BYTES);
    try {
      long aligned = aligned(memory);
      for (long done = 0; done < length; done += BOUNCE_BYTES) {
        long piece = Math.min(BOUNCE_BYTES, length - done);
        NativeMemory.copy(address + done, aligned, piece);
        transfer(true, aligned, piece, offset + done);
      }
    } finally {
      NativeMemory.free(memory);
    }
  }

  /** Has the disk begin with what was written, so that less is left for the flush. */
  void beginWriteback(long offset, long length) {
    // A failure shows at the flush.
    LIBC.sync_file_range(descriptor, offset, length, LibC.SYNC_FILE_RANGE_WRITE);
  }

  private static long aligned(long address) {
    return (address + BlockDevice.BLOCK_BYTES - 1) & -BlockDevice.BLOCK_BYTES;
  }

  private void transfer(boolean write, long address, long length, long offset) throws IOException {
    long done = 0;
    while (done < length) {
      long moved =
          write
              ? LIBC.pwrite(descriptor, address + done, length - done, offset + done)
              : LIBC.pread(descriptor, address + done, length - done, offset + done);
      if (moved > 0) {
        done += moved;
        continue;
      }
      int errno = moved == 0 ? 0 : Errno.last();
      if (errno != Errno.EINTR) {
        throw failure(write, offset + done, errno);
      }
    }
  }

  private IOException failure(boolean write, long offset, int errno) {
    String what = device + (write ? ": writing at " : ": reading at ") + offset;
    if (errno == 0) {
      return new IOException(what + ": the device has become shorter");
    }
    String remedy =
        errno == Errno.ENOSPC ? ". Make room on the file system that holds the file." : "";
    return new IOException(what + ": " + Errno.text(errno) + remedy);
  }
}
