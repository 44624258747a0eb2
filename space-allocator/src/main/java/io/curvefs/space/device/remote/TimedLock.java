package io.curvefs.space.device.remote;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;

/** Waiting for a lock until a deadline, interrupts or not. */
final class TimedLock {
  private TimedLock() {}

  /** Whether the lock was got; an interrupt stays set. */
  static boolean acquire(Lock lock, long deadlineNanos) {
    if (lock.tryLock()) {
      return true;
    }
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          return lock.tryLock(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
