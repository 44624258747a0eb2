package io.curvefs.space.device;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Whole blocks in a row.
 *
 * @param offset of the first byte
 * @param length in bytes, at least one block
 */
public record BlockRange(long offset, long length) {

  /** Checks that both are blocks. */
  public BlockRange {
    if (offset < 0 || length <= 0 || (offset | length) % BlockDevice.BLOCK_BYTES != 0) {
      throw new IllegalArgumentException(
          "not whole blocks of " + BlockDevice.BLOCK_BYTES + " bytes: " + offset + "+" + length);
    }
    Math.addExact(offset, length); // the end must be addressable too
  }

  /** What a buffer covers of a device. */
  public static BlockRange of(ByteBuffer buffer, long offset) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException("a device needs direct buffers");
    }
    return new BlockRange(offset, buffer.remaining());
  }

  /** The first byte behind the range. */
  public long end() {
    return offset + length;
  }

  /**
   * The same range.
   *
   * @throws IOException when the device ends before it
   */
  public BlockRange within(BlockDevice device) throws IOException {
    if (end() > device.size()) {
      throw new IOException(
          device.name() + " has " + device.size() + " bytes: nothing at " + offset + "+" + length);
    }
    return this;
  }
}
