package io.curvefs.metaserver.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.function.LongSupplier;

/** A number that is costly to find out: found out at most so often, and remembered in between. */
final class Remembered implements LongSupplier {
  private final LongSupplier source;
  private final Duration validity;
  private final LongSupplier nanoTime;

  @GuardedBy("this")
  private boolean known;

  @GuardedBy("this")
  private long foundAt;

  @GuardedBy("this")
  private long value;

  /**
   * @param nanoTime the monotonic clock, {@link System#nanoTime} outside of tests
   */
  Remembered(LongSupplier source, Duration validity, LongSupplier nanoTime) {
    this.source = source;
    this.validity = validity;
    this.nanoTime = nanoTime;
  }

  @Override
  public synchronized long getAsLong() {
    long now = nanoTime.getAsLong();
    if (!known || now - foundAt >= validity.toNanos()) {
      value = source.getAsLong();
      foundAt = now;
      known = true;
    }
    return value;
  }
}
