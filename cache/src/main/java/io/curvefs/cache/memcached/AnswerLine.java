package io.curvefs.cache.memcached;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import net.rubyeye.xmemcached.exception.MemcachedDecodeException;
import org.jspecify.annotations.Nullable;

/** Lines of memcached's text protocol. */
final class AnswerLine {
  /** Longer ones are no answer of memcached: a key has at most 250 bytes. */
  private static final int BYTES_MAX = 1024;

  private AnswerLine() {}

  /** Takes the next line without its end out of {@code buffer}, or null if it is not all there. */
  static @Nullable String next(ByteBuffer buffer) {
    int start = buffer.position();
    int end = Math.min(buffer.limit(), start + BYTES_MAX);
    for (int at = start + 1; at < end; at++) {
      if (buffer.get(at) == '\n' && buffer.get(at - 1) == '\r') {
        byte[] line = new byte[at - 1 - start];
        buffer.get(line);
        buffer.position(at + 1);
        return new String(line, StandardCharsets.ISO_8859_1);
      }
    }
    if (buffer.remaining() >= BYTES_MAX) {
      throw new MemcachedDecodeException("not an answer of memcached");
    }
    return null;
  }
}
