package io.curvefs.cache.tier;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SingleFlightTest {
  private static final int THREADS = 16;
  private static final BlockId BLOCK = new BlockId(1, 1, 100_000);

  private final PagePool pool = new PagePool(16L << 20);
  private final Set<Thread> stuck = ConcurrentHashMap.newKeySet();
  private final SingleFlight flights = new SingleFlight(stuck::contains);
  private final AtomicInteger loads = new AtomicInteger();
  private final CountDownLatch gate = new CountDownLatch(1);

  @AfterEach
  void nothing_is_left() {
    assertThat(flights.isLoading(BLOCK)).isFalse();
    assertThat(pool.inUse()).isZero();
  }

  private PagedBytes load() throws IOException {
    loads.incrementAndGet();
    Threads.await(gate);
    return TestBlocks.content(pool, BLOCK);
  }

  private PagedBytes fail() throws IOException {
    loads.incrementAndGet();
    Threads.await(gate);
    throw new IOException("no such block");
  }

  @Test
  void all_who_ask_at_once_share_one_load_and_each_has_a_reference() throws Exception {
    List<Future<PagedBytes>> asked =
        Threads.startAll(THREADS, i -> () -> flights.load(BLOCK, this::load));
    Threads.until(() -> flights.passengers(BLOCK) == THREADS - 1);
    gate.countDown();
    for (Future<PagedBytes> one : asked) {
      TestBlocks.assertAndRelease(one.get(), BLOCK);
    }
    assertThat(loads.get()).isEqualTo(1);
  }

  @Test
  void all_who_ask_at_once_share_the_failure_and_the_next_one_tries_again() throws Exception {
    List<Future<PagedBytes>> asked =
        Threads.startAll(THREADS, i -> () -> flights.load(BLOCK, this::fail));
    Threads.until(() -> flights.passengers(BLOCK) == THREADS - 1);
    gate.countDown();
    for (Future<PagedBytes> one : asked) {
      assertThat(Threads.failureOf(one))
          .isInstanceOf(IOException.class)
          .hasMessage("no such block");
    }
    assertThat(loads.get()).isEqualTo(1);
    TestBlocks.assertAndRelease(flights.load(BLOCK, this::load), BLOCK);
    assertThat(loads.get()).isEqualTo(2);
  }

  @Test
  void a_bug_in_the_loader_does_not_leave_the_others_waiting() throws Exception {
    SingleFlight.Loader broken =
        () -> {
          Threads.await(gate);
          throw new IllegalStateException("bug");
        };
    List<Future<PagedBytes>> asked = Threads.startAll(2, i -> () -> flights.load(BLOCK, broken));
    Threads.until(() -> flights.passengers(BLOCK) == 1);
    gate.countDown();
    for (Future<PagedBytes> one : asked) {
      assertThat(Threads.failureOf(one)).hasMessageContaining("bug");
    }
  }

  @Test
  void who_is_interrupted_while_waiting_leaves_no_reference_behind() throws Exception {
    Future<PagedBytes> loading =
        Threads.startAll(1, i -> () -> flights.load(BLOCK, this::load)).get(0);
    Threads.until(() -> loads.get() == 1);
    Future<PagedBytes> interrupted =
        Threads.<PagedBytes>startAll(
                1,
                i ->
                    () -> {
                      Thread.currentThread().interrupt();
                      return flights.load(BLOCK, this::load);
                    })
            .get(0);
    assertThat(Threads.failureOf(interrupted)).isInstanceOf(InterruptedIOException.class);
    gate.countDown();
    TestBlocks.assertAndRelease(loading.get(), BLOCK);
  }

  /** As when a warmup is cancelled while applications wait for a block that it is loading. */
  @Test
  void when_the_one_who_loads_is_interrupted_the_others_load_once_for_themselves()
      throws Exception {
    CountDownLatch aboard = new CountDownLatch(1);
    Future<PagedBytes> cancelled =
        Threads.<PagedBytes>startAll(
                1,
                i ->
                    () ->
                        flights.load(
                            BLOCK,
                            () -> {
                              loads.incrementAndGet();
                              Threads.await(aboard);
                              Thread.currentThread().interrupt();
                              throw new InterruptedIOException("cancelled");
                            }))
            .get(0);
    Threads.until(() -> loads.get() == 1);
    List<Future<PagedBytes>> asked =
        Threads.startAll(THREADS, i -> () -> flights.load(BLOCK, this::load));
    Threads.until(() -> flights.passengers(BLOCK) == THREADS);
    aboard.countDown();
    Threads.until(() -> flights.passengers(BLOCK) == THREADS - 1);
    gate.countDown();
    assertThat(Threads.failureOf(cancelled)).hasMessage("cancelled");
    for (Future<PagedBytes> one : asked) {
      TestBlocks.assertAndRelease(one.get(), BLOCK);
    }
    assertThat(loads.get()).isEqualTo(2);
  }

  /** As when a disk hangs. */
  @Test
  void when_the_one_who_loads_is_stuck_the_others_load_once_for_themselves() throws Exception {
    CountDownLatch unstuck = new CountDownLatch(1);
    AtomicReference<Thread> pilot = new AtomicReference<>();
    Future<PagedBytes> hanging =
        Threads.<PagedBytes>startAll(
                1,
                i ->
                    () ->
                        flights.load(
                            BLOCK,
                            () -> {
                              pilot.set(Thread.currentThread());
                              Threads.await(unstuck);
                              return load();
                            }))
            .get(0);
    Threads.until(() -> pilot.get() != null);
    List<Future<PagedBytes>> asked =
        Threads.startAll(THREADS, i -> () -> flights.load(BLOCK, this::load));
    Threads.until(() -> flights.passengers(BLOCK) == THREADS);
    stuck.add(pilot.get());
    Threads.until(() -> flights.passengers(BLOCK) == THREADS - 1); // of another flight
    gate.countDown();
    for (Future<PagedBytes> one : asked) {
      TestBlocks.assertAndRelease(one.get(), BLOCK);
    }
    assertThat(loads.get()).isEqualTo(1);
    unstuck.countDown();
    TestBlocks.assertAndRelease(hanging.get(), BLOCK);
  }

  @Test
  void many_rounds_of_many_threads_keep_the_references_right() throws Exception {
    gate.countDown();
    Threads.runAll(
        THREADS,
        thread ->
            () -> {
              for (int round = 0; round < 300; round++) {
                BlockId id = new BlockId(round % 3, 0, 1000);
                TestBlocks.assertAndRelease(
                    flights.load(id, () -> TestBlocks.content(pool, id)), id);
              }
              return null;
            });
  }
}
