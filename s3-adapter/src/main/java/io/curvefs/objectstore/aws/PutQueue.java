package io.curvefs.objectstore.aws;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends puts in the order in which they came, only so many bytes at once that they do not starve
 * each other on a thin line: eight blocks, on a line that takes long for its puts down to one.
 * Thread-safe; calls puts without its lock.
 */
final class PutQueue {
  /** Eight blocks of 4 MiB reach what an endpoint can take from one client. */
  static final long BYTES_MAX = 32L << 20;

  /** A block. */
  static final long BYTES_MIN = 4L << 20;

  /** A put that took less of its bound lets more be sent at once. */
  private static final int FAST_PART = 12;

  /** A put that took more of its bound lets less be sent at once. */
  private static final int SLOW_PART = 6;

  private final int countMax;
  private final long fastNanos;
  private final long slowNanos;
  private final long hopelessNanos;
  private final LongSupplier nanoClock;

  @GuardedBy("this")
  private final Deque<Waiting> waiting = new ArrayDeque<>();

  /** What has been sent and is not done, with when it was. */
  @GuardedBy("this")
  private final Map<Put, Long> sent = new HashMap<>();

  @GuardedBy("this")
  private long sentBytes;

  /** Bytes that may be under way at once; a single put always may. */
  @GuardedBy("this")
  private long window = BYTES_MIN;

  @GuardedBy("this")
  private long lastSuccessNanos;

  /** Threads that want to look for puts to send; the first of them does. */
  private final AtomicInteger senders = new AtomicInteger();

  private record Waiting(Put put, long sinceNanos) {}

  /** Something to send, by identity. */
  interface Put {
    long bytes();

    /** Its turn has come; must not block. */
    void send();

    /** It was not sent, and would only fail as others did. */
    void giveUp(ObjectStoreException failure);
  }

  /**
   * @param countMax puts under way at once
   * @param bound of one put that is sent
   */
  PutQueue(int countMax, Duration bound, LongSupplier nanoClock) {
    this.countMax = countMax;
    this.fastNanos = bound.toNanos() / FAST_PART;
    this.slowNanos = bound.toNanos() / SLOW_PART;
    this.hopelessNanos = bound.toNanos() / 2;
    this.nanoClock = nanoClock;
    this.lastSuccessNanos = nanoClock.getAsLong();
  }

  void add(Put put) {
    synchronized (this) {
      waiting.add(new Waiting(put, nanoClock.getAsLong()));
    }
    sendWhatMay();
  }

  /**
   * A put is done. When it has failed because the store does not answer, those that have waited
   * through the same outage fail with it: they had no better chance.
   */
  void done(Put put, @Nullable ObjectStoreException failure) {
    List<Put> hopeless = List.of();
    synchronized (this) {
      Long sentNanos = sent.remove(put);
      if (sentNanos == null) {
        waiting.removeIf(other -> other.put == put);
      } else {
        sentBytes -= put.bytes();
        adapt(put, nanoClock.getAsLong() - sentNanos, failure == null);
        if (failure == null) {
          lastSuccessNanos = nanoClock.getAsLong();
        } else if (failure.kind() == Kind.UNREACHABLE || failure.kind() == Kind.OVERLOADED) {
          hopeless = takeHopeless();
        }
      }
    }
    if (failure != null) {
      hopeless.forEach(other -> other.giveUp(failure));
    }
    sendWhatMay();
  }

  @GuardedBy("this")
  private void adapt(Put put, long nanos, boolean success) {
    if (nanos > slowNanos) {
      window = Math.max(BYTES_MIN, window / 2);
    } else if (success && nanos < fastNanos) {
      window = Math.min(BYTES_MAX, window + put.bytes());
    }
  }

  @GuardedBy("this")
  private List<Put> takeHopeless() {
    long now = nanoClock.getAsLong();
    if (now - lastSuccessNanos < hopelessNanos) {
      return List.of();
    }
    List<Put> hopeless = new ArrayList<>();
    while (!waiting.isEmpty() && now - waiting.getFirst().sinceNanos >= hopelessNanos) {
      hopeless.add(waiting.removeFirst().put);
    }
    return hopeless;
  }

  /** A put that ends while it is sent brings its thread back here: no recursion. */
  private void sendWhatMay() {
    int seen = 1;
    if (senders.getAndIncrement() != 0) {
      return;
    }
    while (seen != 0) {
      for (Put put = next(); put != null; put = next()) {
        put.send();
      }
      seen = senders.addAndGet(-seen);
    }
  }

  private synchronized @Nullable Put next() {
    Waiting first = waiting.peekFirst();
    if (first == null
        || sent.size() >= countMax
        || (!sent.isEmpty() && sentBytes + first.put.bytes() > window)) {
      return null;
    }
    waiting.removeFirst();
    sent.put(first.put, nanoClock.getAsLong());
    sentBytes += first.put.bytes();
    return first.put;
  }
}
