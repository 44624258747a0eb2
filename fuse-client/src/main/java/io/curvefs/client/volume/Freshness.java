package io.curvefs.client.volume;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long an answer about blocks may be used. Blocks that are freed the moment after the answer
 * are given to somebody else once the quarantine has passed. So a transfer begins within three
 * quarters of it and takes a quarter at most; answers are renewed when half of it has passed. That
 * clocks of hosts go at different speeds is in the metaservers' margin.
 */
final class Freshness {
  private final long quarantineNanos;
  private final LongSupplier nanoTime;

  Freshness(Duration quarantine, LongSupplier nanoTime) {
    this.quarantineNanos = quarantine.toNanos();
    this.nanoTime = nanoTime;
  }

  /** Longest time a device may take for one operation. */
  Duration transferMax() {
    return Duration.ofNanos(quarantineNanos / 4);
  }

  /** Whether an answer asked for at that time need not be renewed. */
  boolean isFresh(long asked) {
    return nanoTime.getAsLong() - asked < quarantineNanos / 2;
  }

  /** Whether a write may begin. */
  boolean mayWrite(long asked) {
    return nanoTime.getAsLong() - asked < quarantineNanos / 4 * 3;
  }

  /** Whether what was read by now is surely the file's. */
  boolean mayTrust(long asked) {
    return nanoTime.getAsLong() - asked < quarantineNanos;
  }

  /** Whether what was handed out to be discarded may still be: the answer was asked for then. */
  boolean mayDiscard(long asked) {
    return nanoTime.getAsLong() - asked < quarantineNanos / 4;
  }
}
