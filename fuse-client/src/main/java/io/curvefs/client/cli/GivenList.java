package io.curvefs.client.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A list that a user gives, to be read more than once. A pipe can be read once only: what is no
 * regular file goes to a temporary file first, which nobody else sees and which ends with this.
 */
final class GivenList implements AutoCloseable {
  private static final String STANDARD_INPUT = "-";

  private final FileChannel channel;

  private GivenList(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * @param list a file, or {@code -} for standard input
   */
  static GivenList open(String list) throws IOException {
    if (list.equals(STANDARD_INPUT)) {
      return spooled(System.in);
    }
    Path file = Path.of(list);
    if (Files.isRegularFile(file)) {
      return new GivenList(FileChannel.open(file));
    }
    try (InputStream once = Files.newInputStream(file)) {
      return spooled(once);
    }
  }

  private static GivenList spooled(InputStream once) throws IOException {
    Path temporary = Files.createTempFile("curvefs-list", "");
    FileChannel channel =
        FileChannel.open(temporary, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      Files.delete(temporary); // what is open stays, however this process ends
      once.transferTo(Channels.newOutputStream(channel));
      return new GivenList(channel);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /** All of it, from the beginning; one at a time, and not to be closed. */
  InputStream fromTheBeginning() throws IOException {
    return new BufferedInputStream(Channels.newInputStream(channel.position(0)));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
