package io.curvefs.cache.tier;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.BlockSource;
import io.curvefs.cache.FakeSource;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link BlockCache} promises, whatever its tiers. */
abstract class BlockCacheContract {
  static final Duration LONG = Duration.ofSeconds(20);
  static final BlockId BLOCK = new BlockId(9, 2, 500_000);

  final FakeSource source = new FakeSource();
  final PagePool pool = new PagePool(48L << 20);
  BlockCache cache;

  /** A cache that keeps in memory at least 8 MiB, what was written too. */
  abstract BlockCache open(PagePool pool, BlockSource source) throws IOException;

  @BeforeEach
  void openCache() throws IOException {
    cache = open(pool, source);
  }

  @AfterEach
  void no_page_leaked() {
    source.open();
    cache.close();
    assertThat(pool.inUse()).isZero();
    assertThat(cache.statistics().memory().bytes()).isZero();
  }

  private static byte[] slice(BlockId id, int from, int length) {
    return Arrays.copyOfRange(TestBlocks.bytesOf(id), from, from + length);
  }

  private byte[] range(BlockId id, int from, int length) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    cache.readRange(id, from, dst);
    assertThat(dst.hasRemaining()).isFalse();
    return dst.array();
  }

  @Test
  void the_second_read_does_not_ask_the_source() throws IOException {
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
    assertThat(cache.statistics().sourceLoads()).isEqualTo(1);
    assertThat(cache.statistics().sourceBytes()).isEqualTo(BLOCK.length());
    assertThat(cache.statistics().memory().hits()).isEqualTo(1);
    assertThat(cache.statistics().memory().misses()).isEqualTo(1);
  }

  @Test
  void blocks_from_one_byte_to_4_MiB_are_read_as_they_are() throws IOException {
    for (int length : new int[] {1, 65_535, 65_536, 65_537, BlockId.BYTES_MAX}) {
      BlockId id = new BlockId(1, 1, length);
      assertAndRelease(cache.read(id), id);
      assertAndRelease(cache.read(id), id);
    }
  }

  @Test
  void however_many_ask_at_once_the_source_is_asked_once() throws Exception {
    source.close();
    List<Future<PagedBytes>> readers = Threads.startAll(16, i -> () -> cache.read(BLOCK));
    source.entered.await();
    source.open();
    for (Future<PagedBytes> reader : readers) {
      assertAndRelease(reader.get(), BLOCK);
    }
    assertThat(source.loads(BLOCK)).isEqualTo(1);
  }

  @Test
  void readers_on_each_others_heels_load_each_block_once() throws Exception {
    for (int pass = 0; pass < 20; pass++) {
      int slice = pass;
      Threads.runAll(
          8,
          thread ->
              () -> {
                for (int i = 0; i < 90; i++) {
                  cache.read(new BlockId(slice, i, 10)).release();
                }
                return null;
              });
      for (int i = 0; i < 90; i++) {
        assertThat(source.loads(new BlockId(slice, i, 10))).isEqualTo(1);
      }
      cache.dropAll();
    }
  }

  @Test
  void a_failure_of_the_source_reaches_the_reader_and_is_not_remembered() throws IOException {
    source.failNext(1);
    assertThatThrownBy(() -> cache.read(BLOCK)).hasMessage("the source is down");
    assertAndRelease(cache.read(BLOCK), BLOCK);
    source.failNext(1);
    BlockId other = new BlockId(10, 0, 500_000);
    ByteBuffer dst = ByteBuffer.allocate(100).position(7);
    assertThatThrownBy(() -> cache.readRange(other, 0, dst)).hasMessage("the source is down");
    assertThat(dst.position()).isEqualTo(7);
    assertThat(range(other, 0, 100)).isEqualTo(slice(other, 0, 100));
  }

  @Test
  void a_range_fetches_exactly_itself() throws IOException {
    assertThat(range(BLOCK, 123_456, 4096)).isEqualTo(slice(BLOCK, 123_456, 4096));
    assertThat(source.loads(BLOCK)).isZero();
    assertThat(source.rangeLoads(BLOCK)).isEqualTo(1);
    assertThat(cache.statistics().sourceBytes()).isEqualTo(4096);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).as("the range was not cached").isEqualTo(1);
  }

  @Test
  void a_range_of_a_cached_block_does_not_ask_the_source() throws IOException {
    cache.read(BLOCK).release();
    assertThat(range(BLOCK, 0, 100)).isEqualTo(slice(BLOCK, 0, 100));
    assertThat(range(BLOCK, 499_999, 1)).isEqualTo(slice(BLOCK, 499_999, 1));
    assertThat(range(BLOCK, 500_000, 0)).isEmpty();
    assertThat(source.rangeLoads(BLOCK)).isZero();
  }

  @Test
  void a_block_of_which_more_than_half_was_read_in_pieces_is_loaded_whole() throws IOException {
    for (int i = 0; i < 10; i++) { // 10 times 25,000 is exactly half
      assertThat(range(BLOCK, i * 50_000, 25_000)).isEqualTo(slice(BLOCK, i * 50_000, 25_000));
    }
    assertThat(source.loads(BLOCK)).isZero();
    assertThat(range(BLOCK, 3, 1)).isEqualTo(slice(BLOCK, 3, 1));
    assertThat(source.loads(BLOCK)).isEqualTo(1);
    assertThat(range(BLOCK, 3, 100)).isEqualTo(slice(BLOCK, 3, 100));
    assertThat(source.rangeLoads(BLOCK)).isEqualTo(10);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
  }

  @Test
  void a_range_outside_the_block_is_refused() {
    assertThatThrownBy(() -> cache.readRange(BLOCK, 499_999, ByteBuffer.allocate(2)))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cache.readRange(BLOCK, -1, ByteBuffer.allocate(1)))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void a_prefetched_block_is_there_when_it_is_read() throws IOException {
    cache.prefetch(BLOCK);
    Threads.until(() -> cache.statistics().memory().entries() == 1);
    cache.prefetch(BLOCK);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
    assertThat(cache.statistics().prefetchesIssued()).isEqualTo(1);
  }

  @Test
  void a_reader_joins_the_prefetch_that_is_under_way() throws Exception {
    source.close();
    cache.prefetch(BLOCK);
    source.entered.await();
    cache.prefetch(BLOCK);
    Future<PagedBytes> reader = Threads.startAll(1, i -> () -> cache.read(BLOCK)).get(0);
    Threads.until(() -> cache.statistics().memory().misses() == 1);
    source.open();
    assertAndRelease(reader.get(), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
  }

  @Test
  void more_prefetches_than_can_wait_are_dropped_and_a_failed_one_is_silent() throws IOException {
    source.close();
    source.failNext(1_000);
    for (int i = 0; i < 100; i++) {
      cache.prefetch(new BlockId(i, 0, 100));
    }
    assertThat(cache.statistics().prefetchesDropped()).isEqualTo(100 - 2 - 4);
    source.open();
    Threads.until(() -> cache.statistics().prefetchesIssued() == 6);
    source.failNext(0);
    for (int i = 0; i < 100; i++) {
      BlockId id = new BlockId(i, 0, 100);
      Threads.until(() -> isReadable(id)); // the last prefetches may still be failing
    }
  }

  private boolean isReadable(BlockId id) {
    try {
      assertAndRelease(cache.read(id), id);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void a_prefetch_takes_no_page_that_a_reader_may_need() throws Exception {
    PagedBytes taken =
        PagedBytes.fill(
            pool,
            (pool.capacity() - 3) * PagePool.PAGE_BYTES,
            LONG,
            into -> into.forEach(part -> part.position(part.limit())));
    cache.prefetch(BLOCK);
    Threads.until(() -> cache.statistics().prefetchesDropped() == 1);
    assertThat(source.loads(BLOCK)).isZero();
    taken.release();
  }

  @Test
  void no_more_is_prefetched_than_stays_until_it_is_read() throws Exception {
    BlockId[] ids = new BlockId[7]; // memory keeps at least 6 of them unread
    for (int i = 0; i < ids.length; i++) {
      ids[i] = new BlockId(i, 0, 500_000);
      int done = i + 1;
      cache.prefetch(ids[i]);
      Threads.until(() -> prefetchesAnswered() == done);
    }
    assertThat(cache.statistics().prefetchesDropped()).isEqualTo(1);
    assertAndRelease(cache.read(ids[0]), ids[0]);
    cache.prefetch(ids[6]);
    Threads.until(() -> cache.statistics().memory().entries() == 7);
    for (BlockId id : ids) {
      assertAndRelease(cache.read(id), id);
      assertThat(source.loads(id)).isEqualTo(1);
    }
  }

  @Test
  void a_prefetched_block_whose_reader_was_already_waiting_is_not_kept_for_another()
      throws Exception {
    source.close();
    cache.prefetch(BLOCK);
    source.entered.await();
    Future<PagedBytes> reader = Threads.startAll(1, i -> () -> cache.read(BLOCK)).get(0);
    Threads.until(() -> cache.statistics().memory().misses() == 1);
    source.open();
    assertAndRelease(reader.get(), BLOCK);
    for (int i = 0; i < 3; i++) {
      int done = i + 2;
      cache.prefetch(new BlockId(i, 0, 500_000));
      Threads.until(() -> prefetchesAnswered() == done);
    }
    assertThat(cache.statistics().prefetchesDropped()).isZero();
  }

  private long prefetchesAnswered() {
    return cache.statistics().memory().entries() + cache.statistics().prefetchesDropped();
  }

  @Test
  void what_was_written_is_read_from_the_cache() throws IOException {
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    cache.offer(BLOCK, content);
    content.release();
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isZero();
  }

  @Test
  void content_of_another_length_is_refused() throws IOException {
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    assertThatThrownBy(() -> cache.offer(new BlockId(9, 2, 499_999), content))
        .isInstanceOf(IllegalArgumentException.class);
    content.release();
  }

  @Test
  void after_dropping_all_reads_are_cold() throws IOException {
    cache.read(BLOCK).release();
    cache.dropAll();
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(2);
  }

  @Test
  void readers_need_no_more_pages_than_they_hold_even_if_the_cache_holds_the_rest()
      throws Exception {
    PagePool tight = new PagePool(8L << 20); // as large as the tier alone may be
    BlockCache full = open(tight, source);
    Threads.runAll(
        4,
        thread ->
            () -> {
              SplittableRandom random = new SplittableRandom(thread);
              for (int round = 0; round < 60; round++) {
                BlockId id = new BlockId(random.nextInt(10), 0, 1_500_000);
                switch (random.nextInt(4)) {
                  case 0 -> full.prefetch(id);
                  case 1 -> full.readRange(id, 10, ByteBuffer.allocate(200_000));
                  default -> assertAndRelease(full.read(id), id);
                }
              }
              return null;
            });
    full.close();
    assertThat(tight.inUse()).isZero();
  }

  @Test
  void a_reader_keeps_its_content_when_the_cache_is_closed() throws IOException {
    PagedBytes content = cache.read(BLOCK);
    cache.close();
    assertAndRelease(content, BLOCK);
  }

  @Test
  void random_use_by_many_threads_is_always_right() throws Exception {
    Threads.runAll(
        6,
        thread ->
            () -> {
              SplittableRandom random = new SplittableRandom(thread);
              List<PagedBytes> held = new ArrayList<>();
              for (int round = 0; round < 150; round++) {
                BlockId id = new BlockId(random.nextInt(60), 0, 300_000);
                switch (random.nextInt(6)) {
                  case 0 -> cache.prefetch(id);
                  case 1 -> {
                    int from = random.nextInt(200_000);
                    assertThat(range(id, from, 9_999)).isEqualTo(slice(id, from, 9_999));
                  }
                  case 2 -> {
                    PagedBytes content = TestBlocks.content(pool, id);
                    cache.offer(id, content);
                    held.add(content);
                  }
                  default -> assertAndRelease(cache.read(id), id);
                }
                if (held.size() > 3) {
                  held.remove(0).release();
                }
              }
              held.forEach(PagedBytes::release);
              return null;
            });
  }
}
