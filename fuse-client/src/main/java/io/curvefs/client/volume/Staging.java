package io.curvefs.client.volume;

import io.curvefs.space.VolumeLayout;
import io.curvefs.space.device.DeviceTimeoutException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Memory that devices read from and write to: nothing else is ever shown to a device. So an
 * operation that was given up, whose buffer the device may use later still, costs this memory and
 * spoils neither a page nor a caller's buffer. Thread-safe: each thread has its own, and may use it
 * for one operation at a time.
 */
final class Staging {
  /** Longest transfer: 1 MiB. */
  static final int BYTES_MAX = 1 << 20;

  private static final int BYTES_MIN = 64 << 10;

  private static final ThreadLocal<ByteBuffer> MEMORY =
      ThreadLocal.withInitial(() -> memory(BYTES_MIN));

  private Staging() {}

  /** An operation on a device. */
  @FunctionalInterface
  interface Transfer {
    void run(ByteBuffer bytes) throws IOException;
  }

  /**
   * This thread's memory, position 0, with whatever was in it before.
   *
   * @param bytes 1 to {@link #BYTES_MAX}
   */
  static ByteBuffer of(int bytes) {
    ByteBuffer memory = MEMORY.get();
    if (memory.capacity() < bytes) {
      memory = memory(bytes <= BYTES_MAX / 4 ? BYTES_MAX / 4 : BYTES_MAX);
      MEMORY.set(memory);
    }
    return memory.clear().limit(bytes);
  }

  /** Uses this thread's memory with a device. */
  static void transfer(ByteBuffer bytes, Transfer transfer) throws IOException {
    try {
      transfer.run(bytes);
    } catch (DeviceTimeoutException e) {
      MEMORY.remove();
      throw e;
    }
  }

  private static ByteBuffer memory(int bytes) {
    return ByteBuffer.allocateDirect(bytes + VolumeLayout.BLOCK_BYTES)
        .alignedSlice(VolumeLayout.BLOCK_BYTES)
        .limit(bytes)
        .slice();
  }
}
