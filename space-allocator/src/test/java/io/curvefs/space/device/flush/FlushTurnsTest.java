package io.curvefs.space.device.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FlushTurnsTest {
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final FlushTurns turns = new FlushTurns();
  private final CountDownLatch gate = new CountDownLatch(1);

  @AfterEach
  void end() {
    threads.shutdownNow();
  }

  /** The first waits at the gate; returns when it is there. */
  private Future<?> holdFirst(AtomicInteger flushes) throws InterruptedException {
    CountDownLatch there = new CountDownLatch(1);
    Future<?> first =
        threads.submit(
            () -> {
              turns.flush(
                  () -> {
                    flushes.incrementAndGet();
                    there.countDown();
                    try {
                      gate.await();
                    } catch (InterruptedException e) {
                      throw new IOException(e);
                    }
                  });
              return null;
            });
    there.await();
    return first;
  }

  @Test
  void those_who_come_while_one_is_under_way_share_the_next() throws Exception {
    AtomicInteger flushes = new AtomicInteger();
    Future<?> first = holdFirst(flushes);
    List<Future<?>> others = new ArrayList<>();
    List<Thread> waiting = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      CountDownLatch there = new CountDownLatch(1);
      others.add(
          threads.submit(
              () -> {
                synchronized (waiting) {
                  waiting.add(Thread.currentThread());
                }
                there.countDown();
                turns.flush(flushes::incrementAndGet);
                return null;
              }));
      there.await();
    }
    for (Thread thread : waiting) {
      while (thread.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
    }
    assertThat(flushes).hasValue(1);
    gate.countDown();
    first.get(20, TimeUnit.SECONDS);
    for (Future<?> other : others) {
      other.get(20, TimeUnit.SECONDS);
    }
    assertThat(flushes).hasValue(2);
  }

  @Test
  void a_failure_goes_to_whom_it_concerns_and_the_next_begins_anew() throws Exception {
    assertThatThrownBy(
            () ->
                turns.flush(
                    () -> {
                      throw new IOException("dead disk");
                    }))
        .hasMessage("dead disk");
    assertThatThrownBy(
            () ->
                turns.flush(
                    () -> {
                      throw new IllegalStateException("bug");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("bug");
    turns.flush(() -> {});
  }
}
