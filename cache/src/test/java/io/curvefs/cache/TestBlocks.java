package io.curvefs.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

/** Blocks whose every byte follows from their id and its position. */
public final class TestBlocks {
  private static final Duration AT_ONCE = Duration.ZERO;

  private TestBlocks() {}

  public static byte[] bytesOf(BlockId id) {
    byte[] bytes = new byte[id.length()];
    long state = id.slice() * 0x9E3779B97F4A7C15L + id.index() * 0xC2B2AE3D27D4EB4FL + id.length();
    for (int i = 0; i < bytes.length; i++) {
      state ^= state << 13;
      state ^= state >>> 7;
      state ^= state << 17;
      bytes[i] = (byte) state;
    }
    return bytes;
  }

  /** Fills buffers as a source does. */
  public static void load(BlockId id, int offset, int length, List<ByteBuffer> into) {
    byte[] bytes = bytesOf(id);
    for (ByteBuffer part : into) {
      int count = part.remaining();
      part.put(bytes, offset, count);
      offset += count;
      length -= count;
    }
    assertThat(length).as("bytes asked for but not wanted").isZero();
  }

  public static PagedBytes content(PagePool pool, BlockId id) throws IOException {
    return PagedBytes.fill(pool, id.length(), AT_ONCE, into -> load(id, 0, id.length(), into));
  }

  /** Checks all of the content and gives it back. */
  public static void assertAndRelease(PagedBytes content, BlockId id) {
    assertThat(content).as("content of %s", id).isNotNull();
    try {
      ByteBuffer copy = ByteBuffer.allocate(id.length());
      content.copyTo(0, copy, content.length());
      assertThat(copy.array()).isEqualTo(bytesOf(id));
    } finally {
      content.release();
    }
  }
}
