package io.curvefs.space.device.flush;

import com.google.errorprone.annotations.concurrent.GuardedBy;

/**
 * Which acknowledged writes are not durable yet, as far as it matters when a server may have lost
 * them. Any thread may use it.
 *
 * <p>A generation is the time between two losses. A write counts only when no loss happened while
 * it was under way; otherwise nobody knows which side of the loss it fell on.
 */
public final class Durability {
  @GuardedBy("this")
  private long generation;

  @GuardedBy("this")
  private long epoch;

  @GuardedBy("this")
  private boolean unflushed;

  @GuardedBy("this")
  private boolean beingFlushed;

  /** An epoch grew, and no flush has failed for it yet. */
  @GuardedBy("this")
  private boolean unreported;

  /** To be asked before a write begins. */
  public synchronized long generation() {
    return generation;
  }

  /**
   * A write was acknowledged.
   *
   * @param begun the generation in which it began
   * @return false when it must be repeated, because of a loss meanwhile
   */
  public synchronized boolean written(long begun) {
    if (begun != generation) {
      return false;
    }
    unflushed = true;
    return true;
  }

  /** A flush is about to be sent; it covers all writes so far. One at a time. */
  public synchronized void flushBegins() {
    beingFlushed |= unflushed;
    unflushed = false;
  }

  /**
   * The flush succeeded.
   *
   * @return false when writes before it may have been lost; said once
   */
  public synchronized boolean flushed() {
    beingFlushed = false;
    boolean whole = !unreported;
    unreported = false;
    return whole;
  }

  /** The flush failed: what it covered may be lost, also if nothing else was. */
  public synchronized void flushFailed() {
    generation++;
    epoch++;
    beingFlushed = false;
    unflushed = false;
    unreported = false;
  }

  /** A server may have lost what it had not made durable. */
  public synchronized void lost() {
    generation++;
    if (unflushed || beingFlushed) {
      epoch++;
      unflushed = false;
      beingFlushed = false;
      unreported = true;
    }
  }

  /** Grows when acknowledged writes may be lost. */
  public synchronized long epoch() {
    return epoch;
  }
}
