package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices a disk that does not answer, as NFS and dying devices do. A thread within a system call
 * cannot be called back; but when one has been there for too long the directory is <em>hanging</em>
 * for all others, until a probe on a thread of its own is answered. Who asks notices; no thread
 * looks on. Thread-safe.
 */
final class HangWatch {
  /** An operation on one file that takes longer does not count as one that will end. */
  static final Duration OPERATION_MAX = Duration.ofSeconds(5);

  /**
   * Probes that may be waiting for the disk at once: one could be stuck for a reason of its own.
   */
  static final int PROBES_MAX = 4;

  /** So often the operations under way are looked at, however many ask. */
  private static final long LOOK_NANOS = Duration.ofMillis(100).toNanos();

  private static final Logger log = LoggerFactory.getLogger(HangWatch.class);

  private final String what;
  private final Duration retryAfter;
  private final LongSupplier nanoTime;
  private final Probe probe;

  private final Set<Operation> underWay = ConcurrentHashMap.newKeySet();
  private volatile long lookedAt;

  /** Written under the lock. */
  private volatile boolean hanging;

  /** Whether something may have been under way for too long; false only when nothing was. */
  private volatile boolean someStuck;

  @GuardedBy("this")
  private long probedAt;

  @GuardedBy("this")
  private int probes;

  /** What is done on the disk. */
  @FunctionalInterface
  interface Step<E extends Exception> {
    void run() throws E;
  }

  /** What is asked of the disk. */
  @FunctionalInterface
  interface Question<T, E extends Exception> {
    T ask() throws E;
  }

  /** Uses the disk, as all that is watched does. A failure is an answer too. */
  @FunctionalInterface
  interface Probe {
    void run() throws IOException;
  }

  private static final class Operation {
    final @Nullable BlockId id;
    final long beganAt;
    final Thread thread = Thread.currentThread();

    /** It has closed the directory once, and does not again. Guarded by the watch. */
    boolean writtenOff;

    Operation(@Nullable BlockId id, long beganAt) {
      this.id = id;
      this.beganAt = beganAt;
    }
  }

  /**
   * @param what what is watched, for the log
   * @param retryAfter how long after one probe the next one is sent
   */
  HangWatch(String what, Duration retryAfter, LongSupplier nanoTime, Probe probe) {
    this.what = what;
    this.retryAfter = retryAfter;
    this.nanoTime = nanoTime;
    this.probe = probe;
    this.lookedAt = nanoTime.getAsLong();
  }

  /** Asks the disk something that takes no longer than one file does. */
  <T, E extends Exception> T call(Question<T, E> question) throws E {
    Operation operation = begin(null);
    try {
      return question.ask();
    } finally {
      underWay.remove(operation);
    }
  }

  /** Asks something of the block's file. */
  <T, E extends Exception> T call(BlockId id, Question<T, E> question) throws E {
    Operation operation = begin(id);
    try {
      return question.ask();
    } finally {
      underWay.remove(operation);
    }
  }

  /** Does something with the block's file. */
  <E extends Exception> void run(BlockId id, Step<E> step) throws E {
    Operation operation = begin(id);
    try {
      step.run();
    } finally {
      underWay.remove(operation);
    }
  }

  private Operation begin(@Nullable BlockId id) {
    Operation operation = new Operation(id, nanoTime.getAsLong());
    underWay.add(operation);
    return operation;
  }

  /** Whether to keep away from the disk. Sends a probe when it is time to. */
  boolean isHanging() {
    if (hanging) {
      probeIfDue();
    } else {
      long now = nanoTime.getAsLong();
      if (now - lookedAt > LOOK_NANOS) {
        lookedAt = now;
        look(now);
      }
    }
    return hanging;
  }

  /**
   * Whether to keep away from the block's file: also when a thread got stuck there and stayed so
   * although the disk answers others again. So a file takes one thread at most.
   */
  boolean isHanging(BlockId id) {
    return isHanging() || (someStuck && anyTooLong(operation -> id.equals(operation.id)));
  }

  /** Whether the thread does not come back from the disk. */
  boolean isStuck(Thread thread) {
    boolean stuck = anyTooLong(operation -> operation.thread == thread);
    if (stuck) {
      look(nanoTime.getAsLong());
    }
    return stuck;
  }

  private boolean anyTooLong(Predicate<Operation> which) {
    long now = nanoTime.getAsLong();
    for (Operation operation : underWay) {
      if (which.test(operation) && isTooLong(operation, now)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isTooLong(Operation operation, long now) {
    return now - operation.beganAt > OPERATION_MAX.toNanos();
  }

  private void look(long now) {
    if (anyTooLong(operation -> true)) {
      close(now);
    } else {
      someStuck = false;
    }
  }

  private synchronized void close(long now) {
    someStuck = true;
    if (writeOff(now) && !hanging) {
      hanging = true;
      probedAt = now;
      log.warn(
          "{} has not answered for {} s and is left alone; next try in {} s",
          what,
          OPERATION_MAX.toSeconds(),
          retryAfter.toSeconds());
    }
  }

  /** Whether there is more that takes too long than before. */
  @GuardedBy("this")
  private boolean writeOff(long now) {
    boolean more = false;
    for (Operation operation : underWay) {
      if (isTooLong(operation, now) && !operation.writtenOff) {
        operation.writtenOff = true;
        more = true;
      }
    }
    return more;
  }

  private synchronized void probeIfDue() {
    long now = nanoTime.getAsLong();
    if (!hanging || probes == PROBES_MAX || now - probedAt < retryAfter.toNanos()) {
      return;
    }
    probedAt = now;
    Thread thread = new Thread(this::probe, "curvefs-cache-probe");
    thread.setDaemon(true);
    try {
      thread.start();
      probes++;
    } catch (OutOfMemoryError e) { // no thread to be had: later
      log.debug("no thread to probe {} with", what, e);
    }
  }

  /** An answer that was long in coming says that the disk is back, the next one how fast it is. */
  private void probe() {
    try {
      long beganAt;
      do {
        beganAt = nanoTime.getAsLong();
        probeOnce();
      } while (nanoTime.getAsLong() - beganAt > OPERATION_MAX.toNanos());
      open();
    } finally {
      ended();
    }
  }

  private void probeOnce() {
    try {
      probe.run();
    } catch (IOException e) {
      // The disk has answered; what else is wrong with it the gates find out.
    }
  }

  private synchronized void ended() {
    probes--;
  }

  /** What has not come back with the disk has closed the directory for the last time. */
  private synchronized void open() {
    if (hanging) {
      writeOff(nanoTime.getAsLong());
      hanging = false;
      log.info("{} answers again", what);
    }
  }
}
