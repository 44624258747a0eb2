package io.curvefs.space.device.testing;

import io.curvefs.space.device.BlockDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;

/** Content for devices: direct buffers, and what is read. */
public final class Blocks {
  private Blocks() {}

  /** Random bytes, the same for the same seed. */
  public static ByteBuffer random(int bytes, long seed) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return ByteBuffer.allocateDirect(bytes).put(content).flip();
  }

  /** The bytes of a range. */
  public static ByteBuffer read(BlockDevice device, long offset, int bytes) throws IOException {
    ByteBuffer content = ByteBuffer.allocateDirect(bytes);
    device.read(content, offset);
    return content;
  }
}
