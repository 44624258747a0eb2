package io.curvefs.client.warmup;

import java.util.concurrent.Semaphore;

/**
 * Bytes that all jobs of a mount together have on their way, so that readers find pages too.
 * Thread-safe.
 */
final class InFlight {
  private static final int UNIT_BYTES = 64 << 10;

  private final Semaphore units;

  /**
   * @param bytesMax at least the longest block
   */
  InFlight(long bytesMax) {
    this.units = new Semaphore(Math.toIntExact(bytesMax / UNIT_BYTES), true);
  }

  private static int units(int bytes) {
    return (bytes + UNIT_BYTES - 1) / UNIT_BYTES;
  }

  void acquire(int bytes, Stop stop) throws InterruptedException {
    stop.acquire(units, units(bytes));
  }

  void release(int bytes) {
    units.release(units(bytes));
  }
}
