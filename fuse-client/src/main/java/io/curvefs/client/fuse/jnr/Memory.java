package io.curvefs.client.fuse.jnr;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Native memory by address: what libfuse hands us and what we hand it. */
final class Memory {
  private static final MemoryIO IO = MemoryIO.getInstance();

  private Memory() {}

  /** Zeroed memory that is never freed: for what lives as long as its thread or mount. */
  static long allocate(long bytes) {
    return IO.allocateMemory(bytes, true);
  }

  /** The same with any content: the kernel gives the pages when they are first written to. */
  static long allocateUntouched(long bytes) {
    return IO.allocateMemory(bytes, false);
  }

  static long getLong(long address) {
    return IO.getLong(address);
  }

  static int getInt(long address) {
    return IO.getInt(address);
  }

  static void putLong(long address, long value) {
    IO.putLong(address, value);
  }

  static void putInt(long address, int value) {
    IO.putInt(address, value);
  }

  static void putDouble(long address, double value) {
    IO.putDouble(address, value);
  }

  static void clear(long address, long bytes) {
    IO.setMemory(address, bytes, (byte) 0);
  }

  /** A C string's bytes, without the NUL: names may be of any bytes. */
  static byte[] string(long address) {
    return IO.getZeroTerminatedByteArray(address);
  }

  /** Writes a C string. The memory must hold one byte more than the text has. */
  static void putString(long address, byte[] text) {
    IO.putByteArray(address, Arrays.copyOf(text, text.length + 1), 0, text.length + 1);
  }

  /** The memory as a buffer that borrows it. */
  static ByteBuffer buffer(long address, int bytes) {
    return IO.newDirectByteBuffer(address, bytes);
  }
}
