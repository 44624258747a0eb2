package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps callers away from a disk that fails: closes after several errors in a row, then lets one
 * operation through now and then to see whether the disk has recovered. Thread-safe.
 */
final class ServiceGate {
  /** Errors in a row that close the gate. */
  static final int ERRORS_MAX = 3;

  private static final Logger log = LoggerFactory.getLogger(ServiceGate.class);

  private final String what;
  private final Duration retryAfter;
  private final InstantSource clock;

  /** Written under the lock; read without it, for an old value only lets one more operation try. */
  private volatile int errors;

  @GuardedBy("this")
  private Instant closedSince = Instant.MIN;

  /**
   * @param what what the gate guards, for the log
   */
  ServiceGate(String what, Duration retryAfter, InstantSource clock) {
    this.what = what;
    this.retryAfter = retryAfter;
    this.clock = clock;
  }

  /** Whether the caller may use the disk; it then reports how that went. */
  boolean letsThrough() {
    return errors < ERRORS_MAX || isTimeToProbe();
  }

  /** Whether {@link #letsThrough} would say yes now. Takes no probe. */
  boolean mayLetThrough() {
    return errors < ERRORS_MAX || isProbeDue(clock.instant());
  }

  private synchronized boolean isProbeDue(Instant now) {
    boolean clockWentBack = now.isBefore(closedSince);
    return clockWentBack || !now.isBefore(closedSince.plus(retryAfter));
  }

  private synchronized boolean isTimeToProbe() {
    Instant now = clock.instant();
    if (isProbeDue(now)) {
      closedSince = now; // one probe per interval
      return true;
    }
    return false;
  }

  void passed() {
    if (errors > 0) {
      reopen();
    }
  }

  private synchronized void reopen() {
    if (errors >= ERRORS_MAX) {
      log.info("{} works again", what);
    }
    errors = 0;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // guarded by the lock
  synchronized void failed(IOException why) {
    errors = Math.min(errors + 1, ERRORS_MAX + 1);
    closedSince = clock.instant();
    if (errors == ERRORS_MAX) {
      log.warn(
          "{} failed {} times in a row and is left alone; next try in {} s: {}",
          what,
          errors,
          retryAfter.toSeconds(),
          why.toString());
    }
  }
}
