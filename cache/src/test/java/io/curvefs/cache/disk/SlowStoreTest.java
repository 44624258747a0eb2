package io.curvefs.cache.disk;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.FakeSource;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.tier.TieredBlockCache;
import io.curvefs.cache.tier.TieredOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A warmup's block between the moment it was loaded and that at which it is on disk. */
@Timeout(60)
class SlowStoreTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final BlockId BLOCK = new BlockId(1, 0, 500_000);

  @Test
  void what_is_being_stored_is_read_without_asking_the_source_again(@TempDir Path directory)
      throws Exception {
    CountDownLatch storing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    PagePool pool = new PagePool(16L << 20);
    FakeSource source = new FakeSource();
    FreeSpace slow =
        () -> {
          if (source.loads(BLOCK) > 0) { // others look at the disk before
            storing.countDown();
            await(goOn);
          }
          return Long.MAX_VALUE;
        };
    DiskTierOptions options =
        new DiskTierOptions(directory, new UUID(1, 1), 1L << 30, 1000, 0, 4L << 20, LONG, LONG);
    DiskTier disk = DiskTier.open(options, pool, InstantSource.fixed(Instant.EPOCH), root -> slow);
    try (TieredBlockCache cache =
        new TieredBlockCache(
            pool, new MemoryTier(pool, 4L << 20), disk, null, source, TieredOptions.DEFAULTS)) {
      CompletableFuture<Integer> warmed =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return cache.warm(BLOCK, CacheTier.DISK, new Hold(1, false));
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              });
      await(storing);

      ByteBuffer piece = ByteBuffer.allocate(1000);
      cache.readRange(BLOCK, 70_000, piece);
      assertThat(piece.array())
          .isEqualTo(Arrays.copyOfRange(TestBlocks.bytesOf(BLOCK), 70_000, 71_000));
      assertAndRelease(cache.read(BLOCK), BLOCK);
      goOn.countDown();

      assertThat(warmed.get(30, TimeUnit.SECONDS)).isEqualTo(BLOCK.length());
      assertThat(source.loads(BLOCK)).isEqualTo(1);
      assertThat(source.rangeLoads(BLOCK)).isZero();
    } finally {
      goOn.countDown();
    }
    assertThat(pool.inUse()).as("pages that leaked").isZero();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
