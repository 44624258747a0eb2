package io.curvefs.cache.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.Threads;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PagePoolTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration AT_ONCE = Duration.ZERO;

  private final PagePool pool = new PagePool(4L * PagePool.PAGE_BYTES);

  @AfterEach
  void no_page_leaked() {
    assertThat(pool.inUse()).isZero();
    assertThat(pool.shortage()).isZero();
  }

  @Test
  void the_budget_is_hard_and_pages_are_reused() {
    List<Page> pages = new ArrayList<>();
    for (int round = 0; round < 100; round++) {
      for (int i = 0; i < 4; i++) {
        pages.add(pool.tryAcquire());
      }
      assertThat(pages).doesNotContainNull();
      assertThat(pool.tryAcquire()).isNull();
      assertThat(pool.inUse()).isEqualTo(4);
      pages.forEach(pool::release);
      pages.clear();
    }
    assertThat(pool.highWater()).isEqualTo(4);
    assertThat(pool.waits()).isZero();
  }

  @Test
  void a_page_is_64_KiB_of_direct_memory() throws Exception {
    Page page = pool.acquire(AT_ONCE);
    assertThat(page.buffer().isDirect()).isTrue();
    assertThat(page.buffer().remaining()).isEqualTo(64 << 10);
    pool.release(page);
  }

  @Test
  void releasing_twice_is_refused_even_when_the_memory_has_a_new_owner() {
    PagePool single = new PagePool(PagePool.PAGE_BYTES);
    Page stale = single.tryAcquire();
    single.release(stale);
    Page owner = single.tryAcquire();
    assertThatThrownBy(() -> single.release(stale)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(stale::buffer).isInstanceOf(IllegalStateException.class);
    assertThat(single.inUse()).isEqualTo(1);
    single.release(owner);
  }

  @Test
  void a_page_of_another_pool_is_refused() {
    PagePool other = new PagePool(PagePool.PAGE_BYTES);
    Page page = other.tryAcquire();
    assertThatThrownBy(() -> pool.release(page)).isInstanceOf(IllegalStateException.class);
    other.release(page);
  }

  @Test
  void who_asks_too_much_is_told_what_to_do() throws Exception {
    assertThatThrownBy(() -> pool.acquire(5, LONG))
        .isInstanceOf(PagesExhaustedException.class)
        .hasMessageContaining("raise the memory budget");
    Page[] all = pool.acquire(4, AT_ONCE);
    assertThatThrownBy(() -> pool.acquire(Duration.ofNanos(1)))
        .isInstanceOf(PagesExhaustedException.class)
        .hasMessageContaining("4 of 4 in use");
    pool.release(all);
  }

  @Test
  void who_waits_gets_the_next_page_released() throws Exception {
    Page[] all = pool.acquire(4, AT_ONCE);
    Future<Page> waiter = Threads.startAll(1, i -> () -> pool.acquire(LONG)).get(0);
    Threads.until(() -> pool.shortage() == 1);
    assertThat(pool.waits()).isEqualTo(1);
    pool.release(all);
    pool.release(waiter.get());
  }

  @Test
  void a_small_request_does_not_overtake_a_large_one_that_waits() throws Exception {
    Page[] some = pool.acquire(2, AT_ONCE);
    Future<Page[]> large = Threads.startAll(1, i -> () -> pool.acquire(4, LONG)).get(0);
    Threads.until(() -> pool.shortage() == 2);
    Threads.until(() -> pool.hasWaiters());
    assertThat(pool.tryAcquire()).isNull();
    pool.release(some);
    pool.release(large.get());
  }

  @Test
  void an_interrupt_ends_the_wait() throws Exception {
    Page[] all = pool.acquire(4, AT_ONCE);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> pool.acquire(LONG)).isInstanceOf(InterruptedIOException.class);
    assertThat(Thread.interrupted()).isTrue();
    pool.release(all);
  }

  @Test
  void who_keeps_pages_for_speed_is_asked_before_anyone_waits() throws Exception {
    Page[] all = pool.acquire(4, AT_ONCE);
    AtomicInteger asked = new AtomicInteger();
    PagePool.Reclaimer reclaimer =
        pages -> {
          asked.addAndGet(pages);
          pool.release(all);
        };
    pool.onShortage(reclaimer);
    Page[] mine = pool.acquire(3, AT_ONCE);
    assertThat(asked.get()).isEqualTo(3);
    pool.release(mine);
    pool.forget(reclaimer);
  }

  @Test
  void two_who_need_most_of_the_pool_do_not_lock_each_other_out() throws Exception {
    Threads.runAll(
        4,
        i ->
            () -> {
              for (int round = 0; round < 500; round++) {
                pool.release(pool.acquire(3, LONG));
              }
              return null;
            });
  }

  @Test
  void no_two_threads_ever_hold_the_same_page() throws Exception {
    PagePool large = new PagePool(100L * PagePool.PAGE_BYTES); // two slabs, the second one short
    Threads.runAll(
        8,
        thread ->
            () -> {
              SplittableRandom random = new SplittableRandom(thread);
              for (int round = 0; round < 2_000; round++) {
                Page[] pages = large.acquire(random.nextInt(1, 30), LONG);
                long mark = ((long) thread << 32) | round;
                for (Page page : pages) {
                  page.buffer().putLong(0, mark);
                }
                for (Page page : pages) {
                  assertThat(page.buffer().getLong(0)).isEqualTo(mark);
                }
                large.release(pages);
              }
              return null;
            });
    assertThat(large.inUse()).isZero();
    assertThat(large.highWater()).isBetween(1, 100);
    List<ByteBuffer> every = new ArrayList<>();
    for (Page page : large.acquire(100, AT_ONCE)) {
      every.add(page.buffer());
    }
    assertThat(every).hasSize(100);
  }
}
