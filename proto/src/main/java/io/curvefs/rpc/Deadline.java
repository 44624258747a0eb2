package io.curvefs.rpc;

import java.time.Duration;

/**
 * A moment on the monotonic clock of this process ({@link System#nanoTime}) up to which somebody
 * waits.
 *
 * @param nanoTime that moment
 */
public record Deadline(long nanoTime) {
  public static Deadline in(Duration duration) {
    return new Deadline(System.nanoTime() + duration.toNanos());
  }

  /** Zero or negative once it has passed. */
  public Duration left() {
    return Duration.ofNanos(nanoTime - System.nanoTime());
  }

  public boolean hasPassed() {
    return nanoTime - System.nanoTime() <= 0;
  }

  /** The earlier of this and a moment that far away. */
  public Duration leftAtMost(Duration bound) {
    Duration left = left();
    return left.compareTo(bound) < 0 ? left : bound;
  }
}
