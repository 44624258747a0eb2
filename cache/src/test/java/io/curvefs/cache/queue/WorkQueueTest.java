package io.curvefs.cache.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Callers that give up, and work that breaks. */
@Timeout(60)
class WorkQueueTest {
  private static final Duration LONG = Duration.ofSeconds(40);

  private final PagePool pool = new PagePool(1L << 20);
  private final WorkQueue queue = new WorkQueue("the disk", "worker", 4, 1L << 20);
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicInteger undone = new AtomicInteger();
  private final CountDownLatch diskHangs = new CountDownLatch(1);

  private static BlockId small(int number) {
    return new BlockId(number, 0, 1000);
  }

  @AfterEach
  void close() throws Exception {
    diskHangs.countDown();
    assertThat(queue.awaitIdle(LONG)).isTrue();
    queue.close();
    assertThat(pool.inUse()).isZero();
  }

  @Test
  void who_is_interrupted_before_the_work_begins_leaves_nothing_behind() throws Exception {
    CountDownLatch busy = new CountDownLatch(4);
    for (int i = 0; i < 4; i++) {
      PagedBytes content = TestBlocks.content(pool, small(i));
      queue.offer(
          content,
          () -> {
            busy.countDown();
            Threads.await(diskHangs);
          });
      content.release();
    }
    Threads.await(busy);
    AtomicReference<Thread> caller = new AtomicReference<>();
    PagedBytes content = TestBlocks.content(pool, small(9));
    Future<Integer> called =
        Threads.<Integer>startAll(
                1,
                i ->
                    () -> {
                      caller.set(Thread.currentThread());
                      queue.call(content, LONG, done::incrementAndGet, undone::incrementAndGet);
                      return 0;
                    })
            .get(0);
    Threads.until(
        () -> caller.get() != null && caller.get().getState() == Thread.State.TIMED_WAITING);
    caller.get().interrupt();
    assertThat(Threads.failureOf(called)).isInstanceOf(InterruptedIOException.class);
    content.release();
    assertThat(pool.inUse()).as("pages that wait for the disk").isEqualTo(4);
    diskHangs.countDown();
    assertThat(queue.awaitIdle(LONG)).isTrue();
    assertThat(done.get()).isZero();
    assertThat(undone.get()).isZero();
  }

  @Test
  void what_is_done_after_its_caller_has_given_up_is_undone() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicReference<Thread> caller = new AtomicReference<>();
    Future<Integer> called =
        call(
            caller,
            () -> {
              begun.countDown();
              Threads.await(diskHangs);
              done.incrementAndGet();
            });
    Threads.await(begun);
    caller.get().interrupt();
    assertThat(Threads.failureOf(called)).isInstanceOf(InterruptedIOException.class);
    assertThat(undone.get()).isZero();
    diskHangs.countDown();
    assertThat(queue.awaitIdle(LONG)).isTrue();
    assertThat(done.get()).isEqualTo(1);
    assertThat(undone.get()).isEqualTo(1);
  }

  private Future<Integer> call(AtomicReference<Thread> caller, WorkQueue.Work work) {
    return Threads.<Integer>startAll(
            1,
            i ->
                () -> {
                  caller.set(Thread.currentThread());
                  queue.call(null, LONG, work, undone::incrementAndGet);
                  return 0;
                })
        .get(0);
  }

  @Test
  void who_waits_in_vain_is_told_how_long() {
    assertThatThrownBy(
            () ->
                queue.call(
                    null,
                    Duration.ofMillis(1),
                    () -> Threads.await(diskHangs),
                    undone::incrementAndGet))
        .hasMessage("the disk did not answer within 0 s");
  }

  @Test
  void work_that_breaks_is_told_at_once_and_the_threads_live() throws Exception {
    for (int i = 0; i < 10; i++) {
      assertThatThrownBy(
              () ->
                  queue.call(
                      null,
                      LONG,
                      () -> {
                        throw new StackOverflowError("a bug");
                      },
                      undone::incrementAndGet))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("a bug");
    }
    queue.call(null, LONG, done::incrementAndGet, undone::incrementAndGet);
    assertThat(done.get()).isEqualTo(1);
    assertThat(undone.get()).isZero();
  }

  @Test
  void offered_work_that_breaks_does_not_end_its_thread() throws Exception {
    AtomicReference<Thread> worker = new AtomicReference<>();
    AtomicReference<Throwable> died = new AtomicReference<>();
    PagedBytes content = TestBlocks.content(pool, small(1));
    queue.offer(
        content,
        () -> {
          worker.set(Thread.currentThread());
          Thread.currentThread().setUncaughtExceptionHandler((thread, why) -> died.set(why));
          throw new StackOverflowError("a bug");
        });
    content.release();
    assertThat(queue.awaitIdle(LONG)).isTrue();
    Threads.until(
        () ->
            died.get() != null
                || worker.get().getState() == Thread.State.TIMED_WAITING); // for more work
    assertThat(died.get()).isNull();
  }
}
