package io.curvefs.space.device.remote;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.space.device.posix.Poller;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Carries the commands of many threads over one wire, all at once. It has no thread of its own: of
 * those that wait for an answer one leads, which is to say waits on the socket, outside the lock,
 * and hands out what comes. Whoever goes names the next leader. So a lone caller meets no other
 * thread.
 *
 * <p>States: <i>alive</i>, then <i>lost</i>, for one reason, for ever. A lost connection's wire is
 * not touched again, so the memory of its commands is free at once; the last to leave closes it.
 */
final class Connection {

  /** A thread that waits for its command to end. */
  private static final class Waiter {
    private final Condition turn;
    private boolean done;
    private @Nullable IOException failure;

    Waiter(Condition turn) {
      this.turn = turn;
    }
  }

  private final long silenceNanosMax;
  private final Poller poller;
  private final Export export;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Wire wire;

  /** By number of command. */
  @GuardedBy("lock")
  private final Map<Long, Waiter> waiters = new LinkedHashMap<>();

  @GuardedBy("lock")
  private boolean led;

  /** What the leader waits for on the socket. */
  @GuardedBy("lock")
  private int awaited;

  @GuardedBy("lock")
  private int inside;

  /** When something last moved, or the first of the present commands began. */
  @GuardedBy("lock")
  private long movedNanos;

  @GuardedBy("lock")
  private @Nullable String lost;

  @GuardedBy("lock")
  private boolean closed;

  /** Whether a write was acknowledged since the last flush on this connection was sent. */
  @GuardedBy("lock")
  private boolean written;

  /**
   * @param wire closed with the connection
   * @param silenceNanosMax after so long without any answer the server counts as gone
   */
  Connection(Wire wire, long silenceNanosMax) throws IOException {
    this.wire = wire;
    this.export = wire.export();
    this.silenceNanosMax = silenceNanosMax;
    this.poller = new Poller();
  }

  Export export() {
    return export;
  }

  /**
   * Has a command carried out.
   *
   * @throws ConnectionLostException when nobody knows whether it was
   * @throws ServerBusyException when it was not, and may be repeated
   */
  void run(Command command, long deadlineNanos) throws IOException {
    lock.lock();
    try {
      inside++;
      try {
        written &= !(command instanceof Command.Flush);
        carry(command, deadlineNanos);
        written |= command instanceof Command.Write;
      } finally {
        inside--;
        closeWhenLeft();
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void carry(Command command, long deadlineNanos) throws IOException {
    refuseWhenLost();
    if (waiters.isEmpty()) {
      movedNanos = System.nanoTime();
    }
    Waiter waiter = new Waiter(lock.newCondition());
    long id = submit(command);
    waiters.put(id, waiter);
    if (led && (wire.events() & ~awaited) != 0) {
      poller.wake();
    }
    try {
      await(waiter, deadlineNanos);
    } finally {
      waiters.remove(id);
      nameLeader();
    }
    if (waiter.failure != null) {
      throw waiter.failure;
    }
  }

  /** Whether a flush would find something to do here. */
  boolean written() {
    lock.lock();
    try {
      return written;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the connection, and all commands on it. */
  void lose(String reason) {
    lock.lock();
    try {
      markLost(reason);
      closeWhenLeft();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private long submit(Command command) throws IOException {
    try {
      return wire.submit(command);
    } catch (ConnectionLostException e) {
      markLost(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  @GuardedBy("lock")
  private void await(Waiter waiter, long deadlineNanos) throws IOException {
    boolean interrupted = false;
    try {
      while (!waiter.done) {
        refuseWhenLost();
        long now = System.nanoTime();
        long silence = movedNanos + silenceNanosMax - now;
        long left = Math.min(deadlineNanos - now, silence);
        if (left <= 0) {
          markLost(
              silence <= 0
                  ? "no answer for " + TimeUnit.NANOSECONDS.toMillis(silenceNanosMax) + " ms"
                  : "an operation took too long");
        } else if (led) {
          try {
            waiter.turn.awaitNanos(left);
          } catch (InterruptedException e) {
            interrupted = true;
          }
        } else {
          lead(left);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @GuardedBy("lock")
  private void lead(long nanosMax) throws IOException {
    led = true;
    awaited = wire.events();
    int descriptor = wire.descriptor();
    int events = awaited;
    int ready = 0;
    lock.unlock();
    try {
      ready = poller.await(descriptor, events, nanosMax);
    } finally {
      lock.lock();
      led = false;
    }
    if (lost != null) {
      return;
    }
    try {
      wire.service(ready);
      if (ready != 0) {
        movedNanos = System.nanoTime();
      }
      handOut();
    } catch (ConnectionLostException e) {
      markLost(String.valueOf(e.getMessage()));
    }
  }

  @GuardedBy("lock")
  private void handOut() throws ConnectionLostException {
    for (Wire.Completion next = wire.next(); next != null; next = wire.next()) {
      if (next.failure() instanceof ConnectionLostException e) {
        throw e;
      }
      Waiter waiter = waiters.remove(next.id());
      if (waiter != null) {
        waiter.done = true;
        waiter.failure = next.failure();
        waiter.turn.signal();
      }
    }
  }

  @GuardedBy("lock")
  private void nameLeader() {
    if (!led && !waiters.isEmpty()) {
      waiters.values().iterator().next().turn.signal();
    }
  }

  @GuardedBy("lock")
  private void refuseWhenLost() throws ConnectionLostException {
    if (lost != null) {
      throw new ConnectionLostException(lost);
    }
  }

  @GuardedBy("lock")
  private void markLost(String reason) {
    if (lost == null) {
      lost = reason;
      waiters.values().forEach(waiter -> waiter.turn.signal());
      if (led) {
        poller.wake();
      }
    }
  }

  @GuardedBy("lock")
  private void closeWhenLeft() {
    if (lost != null && inside == 0 && !closed) {
      closed = true;
      wire.close();
      poller.close();
    }
  }
}
