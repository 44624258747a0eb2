package io.curvefs.cache.memcached;

import com.google.code.yanf4j.buffer.IoBuffer;
import io.curvefs.cache.BlockId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import net.rubyeye.xmemcached.command.Command;
import net.rubyeye.xmemcached.command.CommandType;
import net.rubyeye.xmemcached.impl.MemcachedTCPSession;

/**
 * A request that is answered by one line, whatever it says. (xmemcached's own {@code set} copies a
 * value twice.) Several share a latch, which is open once all are answered; {@code onBytes} is
 * called when an answer has come.
 */
final class LineCommand extends Command {
  private final Runnable onBytes;
  private volatile String answer = "";

  private LineCommand(
      String key, CommandType type, ByteBuffer request, CountDownLatch answered, Runnable onBytes) {
    super(key, type, answered);
    this.onBytes = onBytes;
    setIoBuffer(IoBuffer.wrap(request));
  }

  /** {@code set} of a part that never expires; answered by STORED. */
  static LineCommand set(
      UUID namespace,
      BlockId id,
      int part,
      List<ByteBuffer> content,
      CountDownLatch answered,
      Runnable onBytes) {
    String key = PartLayout.key(namespace, id, part);
    int bytes = PartFormat.valueBytes(id, part);
    byte[] line = ascii("set " + key + " 0 0 " + bytes + "\r\n");
    ByteBuffer request = ByteBuffer.allocate(line.length + bytes + 2).put(line);
    PartFormat.putHeader(request, namespace, id, part, content);
    for (ByteBuffer piece : content) {
      request.put(piece.duplicate());
    }
    request.put((byte) '\r').put((byte) '\n').flip();
    return new LineCommand(key, CommandType.SET, request, answered, onBytes);
  }

  /** {@code touch}, which keeps the value for ever; answered by TOUCHED or NOT_FOUND. */
  static LineCommand touch(String key, CountDownLatch answered, Runnable onBytes) {
    ByteBuffer request = ByteBuffer.wrap(ascii("touch " + key + " 0\r\n"));
    return new LineCommand(key, CommandType.TOUCH, request, answered, onBytes);
  }

  /** {@code delete}; answered by DELETED or NOT_FOUND. */
  static LineCommand delete(String key, CountDownLatch answered, Runnable onBytes) {
    ByteBuffer request = ByteBuffer.wrap(ascii("delete " + key + "\r\n"));
    return new LineCommand(key, CommandType.DELETE, request, answered, onBytes);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** What the server said; empty before the latch is open. */
  String answer() {
    return answer;
  }

  @Override
  public void encode() {
    // Done by the factories.
  }

  @Override
  public boolean decode(MemcachedTCPSession session, ByteBuffer buffer) {
    onBytes.run();
    String line = AnswerLine.next(buffer);
    if (line == null) {
      return false;
    }
    answer = line;
    countDownLatch();
    return true;
  }
}
