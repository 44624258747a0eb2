package io.curvefs.client.quickstart;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;

/** One command at a time works on a data directory. */
final class Turn implements AutoCloseable {
  private final FileChannel channel;

  private Turn(FileChannel channel) {
    this.channel = channel;
  }

  static Turn take(Layout layout) throws IOException {
    Files.createDirectories(layout.run());
    FileChannel channel = FileChannel.open(layout.run().resolve("lock"), CREATE, WRITE);
    @Nullable FileLock lock = channel.tryLock();
    if (lock == null) {
      channel.close();
      throw new IOException(
          "another 'curvefs quickstart' or 'curvefs stop' is at work on "
              + layout.data()
              + ": try again when it has ended");
    }
    return new Turn(channel);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
