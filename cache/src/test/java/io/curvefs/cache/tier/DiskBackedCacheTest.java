package io.curvefs.cache.tier;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.BlockSource;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.disk.DiskTier;
import io.curvefs.cache.disk.DiskTierOptions;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskBackedCacheTest extends BlockCacheContract {
  private static final InstantSource NO_CLOCK = InstantSource.fixed(Instant.EPOCH);

  @TempDir Path directory;
  private DiskTier disk;
  private MemoryTier memory;

  @Override
  BlockCache open(PagePool pool, BlockSource source) throws IOException {
    DiskTierOptions options =
        new DiskTierOptions(
            directory.resolve("cache"), new UUID(1, 1), 1L << 30, 1000, 0, 4L << 20, LONG, LONG);
    disk = DiskTier.open(options, pool, NO_CLOCK);
    memory = new MemoryTier(pool, 8L << 20);
    return new TieredBlockCache(
        pool, memory, disk, null, source, new TieredOptions(LONG, 2, 4, true, true, false, false));
  }

  /** Reads the block and waits until it is on disk, and only there. */
  private void keepOnDiskOnly(BlockId id) throws Exception {
    cache.read(id).release();
    assertThat(disk.awaitWrites(LONG)).isTrue();
    cache.dropMemory();
    assertThat(memory.contains(id)).isFalse();
  }

  @Test
  void what_memory_gave_up_comes_from_disk_and_goes_back_to_memory() throws Exception {
    keepOnDiskOnly(BLOCK);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(memory.contains(BLOCK)).isTrue();
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
    assertThat(cache.statistics().disk().hits()).isEqualTo(1);
    assertThat(cache.statistics().disk().bytesServed()).isEqualTo(BLOCK.length());
    assertThat(cache.statistics().memory().hits()).isEqualTo(1);
  }

  @Test
  void ranges_come_from_disk_until_more_than_half_was_read() throws Exception {
    keepOnDiskOnly(BLOCK);
    for (int i = 0; i < 6; i++) {
      ByteBuffer dst = ByteBuffer.allocate(50_000);
      cache.readRange(BLOCK, i * 77_000, dst);
      assertThat(dst.array())
          .isEqualTo(
              Arrays.copyOfRange(TestBlocks.bytesOf(BLOCK), i * 77_000, i * 77_000 + 50_000));
      assertThat(memory.contains(BLOCK)).isEqualTo(i == 5);
    }
    assertThat(source.rangeLoads(BLOCK)).isZero();
    assertThat(source.loads(BLOCK)).isEqualTo(1);
  }

  @Test
  void large_pieces_come_from_disk_however_many() throws Exception {
    assertThat(cache.isOnDisk(BLOCK)).isFalse();
    keepOnDiskOnly(BLOCK);
    assertThat(cache.isOnDisk(BLOCK)).isTrue();
    for (int i = 0; i < 20; i++) {
      int offset = i % 6 * 70_000;
      ByteBuffer dst = ByteBuffer.allocate(70_000);
      cache.readRange(BLOCK, offset, dst);
      assertThat(dst.array())
          .isEqualTo(Arrays.copyOfRange(TestBlocks.bytesOf(BLOCK), offset, offset + 70_000));
    }
    assertThat(memory.contains(BLOCK)).isFalse();
    assertThat(cache.statistics().disk().bytesServed()).isEqualTo(20 * 70_000);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
  }

  @Test
  void a_cache_opened_again_is_warm() throws Exception {
    cache.read(BLOCK).release();
    cache.close();
    cache = open(pool, source);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertThat(source.loads(BLOCK)).isEqualTo(1);
  }
}
