package io.curvefs.cache.memory;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryTierTest {
  private static final int PAGE = PagePool.PAGE_BYTES;
  private static final Duration LONG = Duration.ofSeconds(20);

  private final PagePool pool = new PagePool(200L * PAGE);
  private final MemoryTier tier = new MemoryTier(pool, 100L * PAGE);

  @AfterEach
  void no_page_leaked() {
    tier.close();
    assertThat(tier.statistics().bytes()).isZero();
    assertThat(pool.inUse()).isZero();
  }

  private static BlockId block(int number) {
    return new BlockId(number, 0, 100 + number);
  }

  private void put(BlockId id) throws IOException {
    PagedBytes content = TestBlocks.content(pool, id);
    tier.put(id, content);
    content.release();
  }

  private void putAhead(BlockId id) throws IOException {
    PagedBytes content = TestBlocks.content(pool, id);
    tier.putAhead(id, content);
    content.release();
  }

  @Test
  void what_was_put_is_read_and_counted() throws IOException {
    put(block(1));
    assertAndRelease(tier.read(block(1), 101), block(1));
    assertThat(tier.read(block(2), 102)).isNull();
    assertThat(tier.contains(block(1))).isTrue();
    assertThat(tier.contains(block(2))).isFalse();
    assertThat(tier.statistics().hits()).isEqualTo(1);
    assertThat(tier.statistics().misses()).isEqualTo(1);
    assertThat(tier.statistics().bytesServed()).isEqualTo(101);
    assertThat(tier.statistics().entries()).isEqualTo(1);
    assertThat(tier.statistics().bytes()).isEqualTo(PAGE);
  }

  @Test
  void a_block_put_twice_is_held_once() throws IOException {
    put(block(1));
    put(block(1));
    for (int i = 2; i < 60; i++) { // on to the lasting blocks
      put(block(i));
    }
    put(block(1));
    assertThat(tier.statistics().entries()).isEqualTo(59);
    assertThat(pool.inUse()).isEqualTo(59);
  }

  @Test
  void the_limit_holds_in_bytes_of_pages() throws IOException {
    for (int i = 0; i < 1_000; i++) {
      put(block(i));
      assertThat(pool.inUse()).isLessThanOrEqualTo(100);
    }
    assertThat(tier.statistics().entries()).isBetween(90L, 100L);
    assertThat(tier.statistics().evictions()).isEqualTo(1_000 - tier.statistics().entries());
  }

  @Test
  void a_reader_keeps_what_the_tier_gives_up() throws IOException {
    put(block(1));
    PagedBytes reading = tier.read(block(1), 101);
    tier.clear();
    assertThat(tier.contains(block(1))).isFalse();
    assertThat(pool.inUse()).isEqualTo(1);
    assertAndRelease(reading, block(1));
  }

  @Test
  void who_lacks_pages_gets_those_that_only_the_tier_holds() throws IOException {
    for (int i = 0; i < 100; i++) {
      put(block(i));
    }
    int wanted = pool.available() + 20;
    PagedBytes content =
        PagedBytes.fill(
            pool,
            wanted * PAGE,
            Duration.ZERO,
            into -> into.forEach(part -> part.position(part.limit())));
    assertThat(tier.statistics().evictions()).isEqualTo(20);
    content.release();
  }

  @Test
  void blocks_that_readers_hold_are_given_up_but_do_not_count_as_freed() throws IOException {
    List<PagedBytes> reading = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      put(block(i));
      if (i % 2 == 0) {
        reading.add(tier.read(block(i), 1));
      }
    }
    tier.shed(20L * PAGE);
    assertThat(pool.inUse()).isEqualTo(20);
    reading.forEach(PagedBytes::release);
  }

  @Test
  void a_block_that_is_kept_while_someone_waits_for_pages_goes_at_once() throws Exception {
    BlockId all = new BlockId(1, 0, 10 * PAGE);
    PagePool small = new PagePool(10L * PAGE);
    MemoryTier kept = new MemoryTier(small, 100L * PAGE);
    CountDownLatch asked = new CountDownLatch(1);
    small.onShortage(pages -> asked.countDown()); // after the tier, which had nothing to give
    PagedBytes content = TestBlocks.content(small, all);
    Future<PagedBytes> waiter =
        Threads.startAll(
                1,
                i -> () -> PagedBytes.fill(small, PAGE, LONG, into -> into.get(0).position(PAGE)))
            .get(0);
    asked.await();
    kept.put(all, content);
    content.release();
    waiter.get().release();
    kept.close();
    assertThat(small.inUse()).isZero();
  }

  @Test
  void a_block_fetched_ahead_stays_until_its_reader_comes_however_full_the_tier_is()
      throws IOException {
    for (int i = 0; i < 300; i++) { // fill it with blocks that were read often
      put(block(i));
      for (int read = 0; read < 32; read++) {
        assertAndRelease(tier.read(block(i), 1), block(i));
      }
    }
    int ahead = 8;
    for (int i = 1_000; i < 1_200; i++) {
      if (i == 1_000) {
        for (int early = 0; early < ahead; early++) {
          putAhead(block(i + early));
        }
      }
      fetchAhead(block(i + ahead));
      for (int read = 0; read < 4; read++) {
        assertAndRelease(tier.read(block(i), 1), block(i));
      }
    }
  }

  @Test
  void no_more_is_fetched_ahead_than_stays() throws IOException {
    int fetched = 0;
    while (tier.reserveAhead(block(fetched))) {
      putAhead(block(fetched));
      tier.giveUpAhead(block(fetched));
      fetched++;
    }
    assertThat(fetched).isEqualTo(37); // three quarters of the recent half of 100 pages
    tier.markRead(block(0));
    assertAndRelease(tier.read(block(1), 1), block(1));
    assertAndRelease(tier.read(block(1), 1), block(1));
    fetchAhead(block(fetched));
    fetchAhead(block(fetched + 1));
    assertThat(tier.reserveAhead(block(fetched + 2))).isFalse();
  }

  @Test
  void what_is_on_its_way_has_its_room_already() {
    int reserved = 0;
    while (tier.reserveAhead(block(reserved))) {
      reserved++;
    }
    assertThat(reserved).isEqualTo(37);
    tier.giveUpAhead(block(0));
    assertThat(tier.reserveAhead(block(reserved))).isTrue();
  }

  @Test
  void what_has_come_is_not_on_its_way_any_more() throws IOException {
    for (int i = 0; i < 100; i++) { // those who fetch are too slow to give up before the reader
      assertThat(tier.reserveAhead(block(i))).as("block %d", i).isTrue();
      putAhead(block(i));
      assertAndRelease(tier.read(block(i), 1), block(i));
    }
  }

  private void fetchAhead(BlockId id) throws IOException {
    assertThat(tier.reserveAhead(id)).isTrue();
    putAhead(id);
    tier.giveUpAhead(id);
  }

  @Test
  void what_every_epoch_reads_survives_one_pass_over_a_large_set() throws IOException {
    for (int epoch = 0; epoch < 20; epoch++) {
      for (int i = 0; i < 80; i++) {
        PagedBytes content = tier.read(block(i), 1);
        if (content == null) {
          put(block(i));
        } else {
          content.release();
        }
      }
    }
    for (int i = 1_000; i < 2_000; i++) {
      put(block(i));
    }
    int left = 0;
    for (int i = 0; i < 80; i++) {
      left += tier.contains(block(i)) ? 1 : 0;
    }
    assertThat(left).isGreaterThan(25);
  }

  @Test
  void a_closed_tier_keeps_nothing() throws IOException {
    tier.close();
    put(block(1));
    assertThat(pool.inUse()).isZero();
  }

  @Test
  void a_tier_without_room_keeps_nothing() throws IOException {
    MemoryTier none = new MemoryTier(pool, 0);
    PagedBytes content = TestBlocks.content(pool, block(1));
    none.put(block(1), content);
    content.release();
    assertThat(pool.inUse()).isZero();
    none.close();
  }

  @Test
  void threads_that_put_read_and_run_out_of_pages_never_see_wrong_bytes_nor_stop()
      throws Exception {
    PagePool tight = new PagePool(24L * PAGE); // less than the tier may hold
    MemoryTier shared = new MemoryTier(tight, 40L * PAGE);
    Threads.runAll(
        8,
        thread ->
            () -> {
              SplittableRandom random = new SplittableRandom(thread);
              for (int round = 0; round < 3_000; round++) {
                BlockId id = new BlockId(random.nextInt(40), 0, 1 + random.nextInt(3) * PAGE);
                PagedBytes content = shared.read(id, 1);
                if (content == null) {
                  content =
                      PagedBytes.fill(
                          tight,
                          id.length(),
                          LONG,
                          into -> into.forEach(part -> fillWith(part, id)));
                  if (random.nextBoolean()) {
                    shared.put(id, content);
                  } else {
                    shared.putAhead(id, content);
                  }
                }
                assertThat(content.buffers().get(0).get(0)).isEqualTo((byte) id.slice());
                content.release();
                if (random.nextInt(200) == 0) {
                  shared.clear();
                }
              }
              return null;
            });
    shared.close();
    assertThat(tight.inUse()).isZero();
    assertThat(shared.statistics().bytes()).isZero();
  }

  private static void fillWith(ByteBuffer part, BlockId id) {
    part.put(0, (byte) id.slice());
    part.position(part.limit());
  }
}
