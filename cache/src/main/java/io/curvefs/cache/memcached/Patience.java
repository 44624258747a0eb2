package io.curvefs.cache.memcached;

import java.time.Duration;

/**
 * How long an answer is waited for. A busy line shared by many takes its time, but goes on sending;
 * a server that hangs sends nothing. Times are those of {@link System#nanoTime}. Pure.
 *
 * @param silenceMax longest time without a byte
 * @param requestMax longest time in all
 */
record Patience(Duration silenceMax, Duration requestMax) {
  /**
   * How long to wait on; 0 or less: no longer.
   *
   * @param asked when the request was sent
   * @param lastByte when the connection last brought something, for whomever
   */
  long nanosLeft(long asked, long lastByte, long now) {
    long heardOf = lastByte - asked > 0 ? lastByte : asked;
    return Math.min(silenceMax.toNanos() - (now - heardOf), requestMax.toNanos() - (now - asked));
  }
}
