package io.curvefs.client.content;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.readahead.ReadStreams;

/** The reads through one handle, in whatever order its threads make them. Thread-safe. */
public final class ReadStream {
  @GuardedBy("this")
  private final ReadStreams streams;

  public ReadStream(long readAheadBytesMax) {
    this.streams = new ReadStreams(readAheadBytesMax);
  }

  /** Notes a read; what to do about it. */
  public synchronized ReadStreams.Advice onRead(long offset, int length, long fileLength) {
    return streams.onRead(offset, length, fileLength);
  }
}
