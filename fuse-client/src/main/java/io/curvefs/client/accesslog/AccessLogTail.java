package io.curvefs.client.accesslog;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.function.Consumer;

/** Follows a log from its present end on, also into the file that takes its place. One thread. */
public final class AccessLogTail implements AutoCloseable {
  private static final int READ_BYTES = 64 << 10;

  /** Of one line; a longer one is no line of ours and is handed on in pieces. */
  private static final int LINE_BYTES_MAX = 64 << 10;

  private final Path file;
  private final ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private FileChannel channel;
  private Object key;

  private AccessLogTail(Path file) throws IOException {
    this.file = file;
    this.channel = FileChannel.open(file, StandardOpenOption.READ);
    this.key = key();
  }

  /** Follows the log, beginning behind its last byte. */
  public static AccessLogTail open(Path file) throws IOException {
    AccessLogTail tail = new AccessLogTail(file);
    tail.channel.position(tail.channel.size());
    return tail;
  }

  private Object key() throws IOException {
    return Objects.requireNonNull(
        Files.readAttributes(file, BasicFileAttributes.class).fileKey(), "Unix has file keys");
  }

  /** Hands on every line that has been completed since the last call, without its end. */
  public void read(Consumer<String> lines) throws IOException {
    readOpen(lines);
    try {
      Object now = key();
      if (!now.equals(key)) {
        readOpen(lines); // written between our last look and the change
        channel.close();
        channel = FileChannel.open(file, StandardOpenOption.READ);
        key = now;
        readOpen(lines);
      }
    } catch (NoSuchFileException e) {
      return; // just being replaced
    }
  }

  private void readOpen(Consumer<String> lines) throws IOException {
    while (channel.read(buffer.clear()) > 0) {
      buffer.flip();
      while (buffer.hasRemaining()) {
        byte next = buffer.get();
        if (next != '\n') {
          line.write(next);
        }
        if (next == '\n' || line.size() == LINE_BYTES_MAX) {
          lines.accept(line.toString(StandardCharsets.UTF_8));
          line.reset();
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
