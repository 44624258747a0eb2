package io.curvefs.space.device.posix;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;

/** Memory by address, for what native functions read and write. */
public final class NativeMemory {
  private static final MemoryIO IO = MemoryIO.getInstance();

  private NativeMemory() {}

  /** Zeroed memory; whoever allocates it frees it. */
  public static long allocate(long bytes) {
    return IO.allocateMemory(bytes, true);
  }

  /** Ends what {@link #allocate} began. */
  public static void free(long address) {
    IO.freeMemory(address);
  }

  /**
   * Where a direct buffer's position is. The caller keeps the buffer reachable while it is used.
   */
  public static long address(ByteBuffer buffer) {
    return IO.getDirectBufferAddress(buffer) + buffer.position();
  }

  /** Copies, for transfers that need memory of another alignment. */
  public static void copy(long from, long to, long bytes) {
    IO.copyMemory(from, to, bytes);
  }

  /** Reads one byte. */
  public static byte getByte(long address) {
    return IO.getByte(address);
  }

  /** Reads a 16-bit number. */
  public static short getShort(long address) {
    return IO.getShort(address);
  }

  /** Reads a 32-bit number. */
  public static int getInt(long address) {
    return IO.getInt(address);
  }

  /** Reads a 64-bit number. */
  public static long getLong(long address) {
    return IO.getLong(address);
  }

  /** Writes a 16-bit number. */
  public static void putShort(long address, short value) {
    IO.putShort(address, value);
  }

  /** Writes a 32-bit number. */
  public static void putInt(long address, int value) {
    IO.putInt(address, value);
  }

  /** Writes a 64-bit number. */
  public static void putLong(long address, long value) {
    IO.putLong(address, value);
  }
}
