package io.curvefs.cache.memcached;

import com.google.code.yanf4j.buffer.IoBuffer;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import net.rubyeye.xmemcached.command.Command;
import net.rubyeye.xmemcached.command.CommandType;
import net.rubyeye.xmemcached.exception.MemcachedDecodeException;
import net.rubyeye.xmemcached.impl.MemcachedTCPSession;
import org.jspecify.annotations.Nullable;

/**
 * One {@code get} of several parts, whose bytes go from the connection's buffer straight to where
 * they are wanted. (xmemcached's own command makes an array of whatever length a server states.)
 * Written to by the connection's thread until {@link #abandon}.
 */
final class GetPartsCommand extends Command {
  private static final int CRLF_BYTES = 2;

  private final Runnable onBytes;

  @GuardedBy("this")
  private final Map<String, IncomingPart> parts = new HashMap<>();

  /** Bytes of the current value and its line end that have not come yet. */
  @GuardedBy("this")
  private long valueBytesLeft;

  /** The part that wants the current value. */
  @GuardedBy("this")
  private @Nullable IncomingPart taker;

  /**
   * @param onBytes called whenever something has come
   */
  GetPartsCommand(List<IncomingPart> wanted, Runnable onBytes) {
    super(wanted.get(0).key(), CommandType.GET_MANY, new CountDownLatch(1));
    this.onBytes = onBytes;
    StringBuilder line = new StringBuilder("get");
    for (IncomingPart part : wanted) {
      parts.put(part.key(), part);
      line.append(' ').append(part.key());
    }
    line.append("\r\n");
    setIoBuffer(IoBuffer.wrap(line.toString().getBytes(StandardCharsets.US_ASCII)));
  }

  @Override
  public void encode() {
    // Done by the constructor.
  }

  /** When it returns, no part is written to any more; what still comes is skipped. */
  synchronized void abandon() {
    parts.clear();
    taker = null;
  }

  @Override
  public synchronized boolean decode(MemcachedTCPSession session, ByteBuffer buffer) {
    onBytes.run();
    while (skipOrTakeValue(buffer)) {
      String line = AnswerLine.next(buffer);
      if (line == null) {
        return false;
      }
      if (line.equals("END")) {
        countDownLatch();
        return true;
      }
      if (!line.startsWith("VALUE ")) {
        return decodeError(line);
      }
      beginValue(line);
    }
    return false;
  }

  /** Whether the current value is at its end. */
  @GuardedBy("this")
  private boolean skipOrTakeValue(ByteBuffer buffer) {
    int count = (int) Math.min(valueBytesLeft, buffer.remaining());
    int contentCount = (int) Math.min(Math.max(0, valueBytesLeft - CRLF_BYTES), count);
    if (taker != null) {
      taker.take(buffer.slice(buffer.position(), contentCount));
    }
    buffer.position(buffer.position() + count);
    valueBytesLeft -= count;
    return valueBytesLeft == 0;
  }

  /** {@code VALUE <key> <flags> <bytes>}. */
  @GuardedBy("this")
  private void beginValue(String line) {
    String[] words = line.split(" ", -1);
    long bytes;
    try {
      bytes = Integer.toUnsignedLong(Integer.parseUnsignedInt(words[words.length - 1]));
    } catch (NumberFormatException e) {
      throw new MemcachedDecodeException("not an answer of memcached: " + line, e);
    }
    IncomingPart part = parts.get(words[1]);
    taker = part != null && part.begin(bytes) ? part : null;
    valueBytesLeft = bytes + CRLF_BYTES;
  }
}
