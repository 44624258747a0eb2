package io.curvefs.client.meta;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The numbered slots of one session in one group: each carries one request at a time, and its
 * sequence number lets the server know a request that it has answered before. Thread-safe.
 */
final class Slots {
  /** More than a mount has threads; servers allow 1024. */
  private static final int COUNT = 256;

  @GuardedBy("this")
  private final Deque<Slot> free = new ArrayDeque<>();

  /** One request at a time, from {@link Slots#take} to {@link Slots#give}. */
  static final class Slot {
    final int number;
    private long sequence;

    private Slot(int number) {
      this.number = number;
    }

    long next() {
      return ++sequence;
    }
  }

  Slots() {
    for (int i = 0; i < COUNT; i++) {
      free.add(new Slot(i));
    }
  }

  /** A slot of its own for the caller; waits while all are taken, each for a bounded time. */
  synchronized Slot take() throws InterruptedException {
    while (free.isEmpty()) {
      wait();
    }
    return free.pop(); // the one used last: few slots in use, few rows at the server
  }

  synchronized void give(Slot slot) {
    free.push(slot);
    notify();
  }
}
