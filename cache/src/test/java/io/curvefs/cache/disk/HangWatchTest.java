package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.Threads;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HangWatchTest {
  private static final Duration RETRY = Duration.ofSeconds(30);
  private static final BlockId BLOCK = new BlockId(1, 0, 10);
  private static final BlockId OTHER = new BlockId(2, 0, 10);

  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000_000_000L); // it wraps
  private final AtomicInteger probes = new AtomicInteger();
  private final Semaphore answers = new Semaphore(0);
  private final HangWatch watch = new HangWatch("testing", RETRY, nanos::get, this::probe);
  private final CountDownLatch goOn = new CountDownLatch(1);
  private final AtomicInteger hung = new AtomicInteger();

  private void probe() throws IOException {
    probes.incrementAndGet();
    answers.acquireUninterruptibly();
    throw new IOException("full"); // an answer like any other
  }

  @AfterEach
  void letGo() {
    goOn.countDown();
    answers.release(100);
  }

  private void moveTime(Duration by) {
    nanos.addAndGet(by.toNanos());
  }

  private Future<Integer> hang(BlockId id) {
    int before = hung.get();
    Future<Integer> stuck =
        Threads.<Integer>startAll(
                1,
                i ->
                    () ->
                        watch.call(
                            id,
                            () -> {
                              hung.incrementAndGet();
                              Threads.await(goOn);
                              return 1;
                            }))
            .get(0);
    Threads.until(() -> hung.get() > before);
    return stuck;
  }

  @Test
  void what_ends_in_time_changes_nothing() {
    for (int i = 0; i < 100; i++) {
      watch.run(BLOCK, () -> moveTime(HangWatch.OPERATION_MAX));
      assertThat(watch.isHanging()).isFalse();
    }
    assertThat(probes.get()).isZero();
  }

  @Test
  void what_does_not_end_in_time_closes_it_until_a_probe_is_answered() throws Exception {
    Future<Integer> stuck = hang(BLOCK);
    moveTime(HangWatch.OPERATION_MAX);
    assertThat(watch.isHanging()).isFalse();
    moveTime(Duration.ofSeconds(1));
    assertThat(watch.isHanging()).isTrue();
    moveTime(RETRY.minusNanos(1));
    assertThat(watch.isHanging()).isTrue();
    assertThat(probes.get()).isZero();
    moveTime(Duration.ofNanos(1));
    assertThat(watch.isHanging()).isTrue();
    Threads.until(() -> probes.get() == 1);
    answers.release();
    Threads.until(() -> !watch.isHanging());

    moveTime(RETRY);
    assertThat(watch.isHanging()).as("by what is stuck since before").isFalse();
    assertThat(watch.isHanging(BLOCK)).isTrue();
    assertThat(watch.isHanging(OTHER)).isFalse();
    goOn.countDown();
    assertThat(stuck.get()).isEqualTo(1);
    assertThat(watch.isHanging(BLOCK)).isFalse();
  }

  @Test
  void a_disk_that_hangs_again_is_left_alone_again() {
    hang(BLOCK);
    moveTime(HangWatch.OPERATION_MAX.plusSeconds(1));
    assertThat(watch.isHanging()).isTrue();
    moveTime(RETRY);
    answers.release();
    Threads.until(() -> !watch.isHanging());
    hang(OTHER);
    moveTime(HangWatch.OPERATION_MAX.plusSeconds(1));
    assertThat(watch.isHanging()).isTrue();
  }

  @Test
  void a_probe_that_is_stuck_itself_does_not_stop_the_next_one_and_there_are_few() {
    hang(BLOCK);
    moveTime(HangWatch.OPERATION_MAX.plusSeconds(1));
    assertThat(watch.isHanging()).isTrue();
    for (int i = 1; i <= HangWatch.PROBES_MAX; i++) {
      moveTime(RETRY);
      assertThat(watch.isHanging()).isTrue();
      assertThat(watch.isHanging()).isTrue();
      int sent = i;
      Threads.until(() -> probes.get() == sent);
    }
    moveTime(RETRY);
    assertThat(watch.isHanging()).isTrue();
    answers.release(); // late, so it is followed by another one
    Threads.until(() -> probes.get() == HangWatch.PROBES_MAX + 1);
    assertThat(watch.isHanging()).isTrue();
    answers.release(HangWatch.PROBES_MAX + 1);
    Threads.until(() -> !watch.isHanging());
  }
}
