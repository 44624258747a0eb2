package io.curvefs.space.device;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A volume: {@link #size} bytes that are read and written in whole blocks of {@link #BLOCK_BYTES}.
 *
 * <p>Concurrent: yes, any number of threads. Operations under way together happen in any order; two
 * writes of the same block at once leave either. Repeatable: yes, all of them. Bounded: every
 * operation ends within the bound the device was opened with, and one that waits its turn (a flush,
 * a look at the size) within three of them; an interrupt does not end it earlier, and stays set.
 *
 * <p>Buffers are direct; only the bytes between position and limit are meant, and neither moves.
 * They go to the device without a copy; one exception, with direct I/O, is memory that does not
 * begin at a multiple of {@link #BLOCK_BYTES}. The caller must leave a buffer alone until the
 * operation ends, and for good when it ends with {@link DeviceTimeoutException}: the device may use
 * it later still.
 *
 * <p>Offsets and lengths are multiples of {@link #BLOCK_BYTES}; anything else, a heap buffer or an
 * empty one is an {@link IllegalArgumentException}. A range beyond the end is an {@link
 * IOException}.
 */
public interface BlockDevice extends AutoCloseable {
  /** Unit of all ranges. */
  int BLOCK_BYTES = 4096;

  /** The device as messages call it: its URI without a password. */
  String name();

  /** Bytes of the device when it was opened or last looked at, in whole blocks. */
  long size();

  /**
   * Looks at the device again, which may have grown, and returns its size. Waits for operations
   * under way.
   */
  long refreshSize() throws IOException;

  /** Fills the buffer from the device. After a failure its content is undefined. */
  void read(ByteBuffer into, long offset) throws IOException;

  /**
   * Writes the buffer to the device. Partial: never, when it returns. After a failure every block
   * of the range may be old, new, or torn, and may still change: a write that was given up can
   * arrive at a server until that has ended it. So nothing else may be written there before either
   * the write was repeated with success or the bound of an operation has passed once more.
   *
   * <p>Other readers of the device see what was written, on this host and, except behind the page
   * cache of {@code file:}, on others.
   */
  void write(ByteBuffer from, long offset) throws IOException;

  /**
   * Makes durable what was written by operations that had returned before.
   *
   * <p>When this fails, writes since the last success may be lost, and a repetition does not bring
   * them back: they must be written again. Another caller's flush may have met the failure; so who
   * shares a device asks {@link #epoch} before the first write, and trusts a flush only if it is
   * the same afterwards. {@link #flushSince} does that.
   */
  void flush() throws IOException;

  /** Grows whenever writes that were acknowledged but not yet flushed may have been lost. */
  long epoch();

  /**
   * Flushes, and fails when writes since an epoch may have been lost.
   *
   * @param epoch what {@link #epoch} said before the first of the writes
   */
  default void flushSince(long epoch) throws IOException {
    flush();
    if (epoch() != epoch) {
      throw new LostWritesException(name());
    }
  }

  /**
   * Says that the content of a range is not needed; what is read there afterwards is undefined.
   * Advice: a device may ignore it, in whole or in part.
   *
   * @return whether the device takes such advice
   */
  boolean discard(long offset, long length) throws IOException;

  /** Ends the device without flushing it. Operations under way end with an IOException. */
  @Override
  void close();
}
