package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.readahead.FileRange;
import io.curvefs.cache.readahead.ReadAheadWindow;
import java.util.Optional;

/** One handle's reads, one after the other. Thread-safe. */
public final class ReadStream {
  @GuardedBy("this")
  private final ReadAheadWindow window;

  ReadStream(long readAheadBytesMax) {
    this.window = new ReadAheadWindow(readAheadBytesMax);
  }

  /** What to fetch ahead now, and whether the stream reads on and on. */
  record Advice(Optional<FileRange> ahead, boolean sequential) {}

  synchronized Advice onRead(long offset, int length, long fileLength) {
    Optional<FileRange> ahead = window.onRead(offset, length, fileLength);
    return new Advice(ahead, window.sequential());
  }
}
