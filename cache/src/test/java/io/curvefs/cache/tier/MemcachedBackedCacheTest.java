package io.curvefs.cache.tier;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.BlockSource;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.FakeSource;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.disk.DiskTier;
import io.curvefs.cache.disk.DiskTierOptions;
import io.curvefs.cache.memcached.MemcachedProcess;
import io.curvefs.cache.memcached.MemcachedTier;
import io.curvefs.cache.memcached.TestOptions;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All tiers, on two real memcached servers. */
class MemcachedBackedCacheTest extends BlockCacheContract {
  private static final InstantSource NO_CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final Hold HOLD = new Hold(1, false);
  private static final BlockId LARGE = new BlockId(8, 0, BlockId.BYTES_MAX);

  private static MemcachedProcess one;
  private static MemcachedProcess two;

  @TempDir Path directories;
  private final UUID namespace = UUID.randomUUID();
  private int opened;
  private MemcachedTier memcached;
  private MemoryTier memory;
  private DiskTier disk;

  @BeforeAll
  static void startServers() throws IOException {
    one = MemcachedProcess.start("-m", "256");
    two = MemcachedProcess.start("-m", "256");
  }

  @AfterAll
  static void killServers() throws IOException {
    one.close();
    two.close();
  }

  @Override
  TieredBlockCache open(PagePool pool, BlockSource source) throws IOException {
    return open(pool, source, new TieredOptions(LONG, 2, 4, true, true, false, true));
  }

  /** A cache of another host: it shares nothing with those before but the servers. */
  private TieredBlockCache open(PagePool pool, BlockSource source, TieredOptions options)
      throws IOException {
    Path directory = directories.resolve("host" + opened++);
    DiskTierOptions diskOptions =
        new DiskTierOptions(directory, namespace, 1L << 30, 1000, 0, 8L << 20, LONG, LONG);
    disk = DiskTier.open(diskOptions, pool, NO_CLOCK);
    memcached = new MemcachedTier(TestOptions.patient(namespace), pool);
    memcached.use(List.of(one.server(), two.server()));
    memory = new MemoryTier(pool, 8L << 20);
    return new TieredBlockCache(pool, memory, disk, memcached, source, options);
  }

  private TieredBlockCache tiers() {
    return (TieredBlockCache) cache;
  }

  /** Ends this host and begins another one, whose source must not be needed. */
  private FakeSource onAnotherHost() throws IOException {
    TestOptions.untilIdle(memcached);
    cache.close();
    FakeSource other = new FakeSource();
    cache = open(pool, other);
    return other;
  }

  @Test
  @Override
  void after_dropping_all_reads_are_cold() throws IOException {
    TestOptions.untilIdle(memcached);
    memcached.use(List.of()); // what servers have is not this host's to drop
    super.after_dropping_all_reads_are_cold();
  }

  @Test
  void what_one_host_loaded_another_one_reads_without_the_source() throws Exception {
    for (int i = 0; i < 20; i++) {
      cache.read(new BlockId(1, i, 200_000)).release();
      TestOptions.untilIdle(memcached);
    }
    cache.read(LARGE).release();
    FakeSource other = onAnotherHost();
    for (int i = 0; i < 20; i++) {
      BlockId id = new BlockId(1, i, 200_000);
      assertAndRelease(cache.read(id), id);
    }
    assertAndRelease(cache.read(LARGE), LARGE);
    assertThat(cache.statistics().sourceLoads()).isZero();
    assertThat(other.loads(LARGE)).isZero();
    assertThat(cache.statistics().memcached().hits()).isEqualTo(21);
    assertThat(cache.statistics().memcached().bytesServed())
        .isEqualTo(20 * 200_000 + LARGE.length());
  }

  @Test
  void what_memcached_had_is_kept_in_memory_and_on_disk() throws Exception {
    cache.read(BLOCK).release();
    onAnotherHost();
    cache.read(BLOCK).release();
    assertThat(memory.contains(BLOCK)).isTrue();
    assertThat(disk.awaitWrites(LONG)).isTrue();
    assertThat(disk.contains(BLOCK)).isTrue();
    cache.read(BLOCK).release();
    assertThat(cache.statistics().memcached().hits()).isEqualTo(1);
  }

  @Test
  void however_many_ask_at_once_memcached_is_asked_once() throws Exception {
    cache.read(LARGE).release();
    onAnotherHost();
    for (int i = 0; i < 30; i++) {
      cache.prefetch(LARGE);
      assertAndRelease(cache.read(LARGE), LARGE);
    }
    assertThat(cache.statistics().memcached().hits()).isEqualTo(1);
    assertThat(cache.statistics().memcached().misses()).isZero();
  }

  @Test
  void ranges_come_from_memcached_until_more_than_half_has_travelled() throws Exception {
    cache.read(LARGE).release();
    FakeSource other = onAnotherHost();
    byte[] bytes = TestBlocks.bytesOf(LARGE);
    for (int i = 0; !memory.contains(LARGE); i++) {
      ByteBuffer dst = ByteBuffer.allocate(4096);
      cache.readRange(LARGE, i * 600_000, dst);
      assertThat(dst.array()).isEqualTo(Arrays.copyOfRange(bytes, i * 600_000, i * 600_000 + 4096));
      assertThat(i).isLessThan(6);
    }
    assertThat(other.rangeLoads(LARGE) + other.loads(LARGE)).isZero();
  }

  @Test
  void a_range_that_memcached_does_not_have_comes_from_the_source_alone() throws Exception {
    ByteBuffer dst = ByteBuffer.allocate(4096);
    cache.readRange(LARGE, 10, dst);
    assertThat(source.rangeLoads(LARGE)).isEqualTo(1);
    TestOptions.untilIdle(memcached);
    assertThat(memcached.present(List.of(LARGE))).isEmpty();
  }

  @Test
  void policy_says_what_goes_to_memcached() throws Exception {
    cache.close();
    cache = open(pool, source, new TieredOptions(LONG, 2, 4, true, true, true, false));
    cache.read(LARGE).release();
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    cache.offer(BLOCK, content);
    content.release();
    TestOptions.untilIdle(memcached);
    assertThat(memcached.present(List.of(LARGE, BLOCK))).containsExactly(BLOCK);
  }

  @Test
  void a_warmup_of_memcached_takes_from_disk_what_is_there_and_tells_what_it_moved()
      throws Exception {
    cache.close();
    cache = open(pool, source, new TieredOptions(LONG, 2, 4, true, true, false, false));
    assertThat(tiers().exists(CacheTier.MEMCACHED)).isTrue();
    cache.read(BLOCK).release();
    assertThat(disk.awaitWrites(LONG)).isTrue();
    memory.clear();
    assertThat(tiers().warm(BLOCK, CacheTier.MEMCACHED, HOLD)).isEqualTo(BLOCK.length());
    assertThat(tiers().warm(LARGE, CacheTier.MEMCACHED, HOLD)).isEqualTo(LARGE.length());
    assertThat(tiers().warm(LARGE, CacheTier.MEMCACHED, HOLD)).isZero();
    assertThat(source.loads(BLOCK)).isEqualTo(1);
    assertThat(source.loads(LARGE)).isEqualTo(1);
    assertThat(memory.contains(LARGE)).isFalse();
    assertThat(tiers().present(CacheTier.MEMCACHED, List.of(BLOCK, LARGE, new BlockId(1, 1, 1))))
        .containsExactlyInAnyOrder(BLOCK, LARGE);
    assertThat(tiers().room(CacheTier.MEMCACHED).bytesMax()).isEqualTo(512L << 20);
  }

  @Test
  void a_warmup_of_the_disk_takes_from_memcached_what_is_there() throws Exception {
    cache.read(LARGE).release();
    FakeSource other = onAnotherHost();
    assertThat(tiers().warm(LARGE, CacheTier.DISK, HOLD)).isEqualTo(LARGE.length());
    assertThat(other.loads(LARGE)).isZero();
    assertThat(disk.contains(LARGE)).isTrue();
    assertThat(memory.contains(LARGE)).isFalse();
  }

  @Test
  void an_evicted_block_is_loaded_again() throws Exception {
    assertThat(tiers().warm(BLOCK, CacheTier.MEMCACHED, HOLD)).isEqualTo(BLOCK.length());
    assertThat(tiers().evict(BLOCK, CacheTier.MEMCACHED)).isTrue();
    assertThat(tiers().evict(BLOCK, CacheTier.MEMCACHED)).isFalse();
    assertThat(tiers().present(CacheTier.MEMCACHED, List.of(BLOCK))).isEmpty();
    cache.read(BLOCK).release();
    assertThat(source.loads(BLOCK)).isEqualTo(2);
  }

  @Test
  void a_server_that_dies_is_no_error_to_a_reader_and_one_to_a_warmup() throws Exception {
    try (MemcachedProcess dying = MemcachedProcess.start()) {
      memcached.use(List.of(dying.server()));
      cache.read(BLOCK).release();
      TestOptions.untilIdle(memcached);
      dying.kill();
      tiers().dropAll();
      assertAndRelease(cache.read(BLOCK), BLOCK);
      ByteBuffer dst = ByteBuffer.allocate(10);
      cache.readRange(LARGE, 0, dst);
      assertThat(source.loads(BLOCK)).isEqualTo(2);
      assertThatThrownBy(() -> tiers().warm(BLOCK, CacheTier.MEMCACHED, HOLD))
          .hasMessage("none of the memcached servers answers: " + dying.server());
    }
  }

  @Test
  void without_servers_the_tier_does_not_exist() throws Exception {
    memcached.use(List.of());
    assertThat(tiers().exists(CacheTier.MEMCACHED)).isFalse();
    assertThatThrownBy(() -> tiers().warm(BLOCK, CacheTier.MEMCACHED, HOLD))
        .hasMessage("no memcached servers are bound to this file system");
    assertThat(tiers().present(CacheTier.MEMCACHED, List.of(BLOCK))).isEmpty();
  }

  @Test
  void what_is_there_is_asked_of_each_server_in_batches_and_not_again() throws Exception {
    List<BlockId> blocks = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      blocks.add(new BlockId(7, i, 1000));
    }
    for (BlockId id : blocks.subList(0, 200)) {
      assertThat(tiers().bring(id, CacheTier.MEMCACHED, HOLD)).isEqualTo(1000);
    }
    long before = memcached.exchanges();
    Set<BlockId> there = tiers().present(CacheTier.MEMCACHED, blocks);
    assertThat(there).isEqualTo(Set.copyOf(blocks.subList(0, 200)));
    assertThat(memcached.exchanges() - before).as("one of each server").isEqualTo(2);
    tiers().bring(blocks.get(250), CacheTier.MEMCACHED, HOLD);
    assertThat(memcached.exchanges() - before).as("the store alone").isEqualTo(3);
    tiers().warm(blocks.get(250), CacheTier.MEMCACHED, HOLD);
    assertThat(memcached.exchanges() - before).as("it was there").isEqualTo(4);
  }
}
