package io.curvefs.client.pace;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Bytes per second that somebody may move: who has moved some waits until they are paid for. After
 * a pause at most a tenth of a second's worth is free. Thread-safe.
 */
public final class Bandwidth {
  private static final long NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long CREDIT_NANOS = NANOS_PER_SECOND / 10;

  private final long bytesPerSecond;
  private final LongSupplier nanoTime;
  private final Pause pause;

  /** When everything that was moved so far is paid for. */
  @GuardedBy("this")
  private long paidAt;

  /** How time is passed. */
  @FunctionalInterface
  public interface Pause {
    void nanos(long nanos) throws InterruptedException;
  }

  /** Of this machine's time. */
  public static Bandwidth of(long bytesPerSecond) {
    return new Bandwidth(bytesPerSecond, System::nanoTime, TimeUnit.NANOSECONDS::sleep);
  }

  /**
   * @param bytesPerSecond 0: no limit
   * @param nanoTime the monotonic clock
   */
  public Bandwidth(long bytesPerSecond, LongSupplier nanoTime, Pause pause) {
    this.bytesPerSecond = bytesPerSecond;
    this.nanoTime = nanoTime;
    this.pause = pause;
    this.paidAt = nanoTime.getAsLong();
  }

  /** Waits for what was just moved. */
  public void spent(long bytes) throws InterruptedException {
    if (bytesPerSecond == 0 || bytes == 0) {
      return;
    }
    long wait;
    synchronized (this) {
      long now = nanoTime.getAsLong();
      if (paidAt - (now - CREDIT_NANOS) < 0) {
        paidAt = now - CREDIT_NANOS;
      }
      paidAt += (long) ((double) bytes / bytesPerSecond * NANOS_PER_SECOND);
      wait = paidAt - now;
    }
    if (wait > 0) {
      pause.nanos(wait);
    }
  }
}
