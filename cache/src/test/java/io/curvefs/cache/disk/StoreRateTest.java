package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prints how fast a warmup can fill the disk, by the number of its threads. */
@Tag("long")
class StoreRateTest {
  private static final int BLOCKS = 8_000;
  private static final int BLOCK_BYTES = 100 << 10;

  @TempDir Path parent;

  @ParameterizedTest
  @ValueSource(ints = {1, 1, 2, 4, 8})
  void blocks_are_stored(int threads) throws Exception {
    PagePool pool = new PagePool(64L << 20);
    DiskTierOptions options =
        new DiskTierOptions(
            parent.resolve("cache"),
            new UUID(1, 2),
            1L << 40,
            1_000_000,
            0,
            64L << 20,
            Duration.ofSeconds(10),
            Duration.ofSeconds(10));
    PagedBytes content = TestBlocks.content(pool, new BlockId(1, 1, BLOCK_BYTES));
    try (DiskTier tier = DiskTier.open(options, pool, InstantSource.system())) {
      long start = System.nanoTime();
      Threads.runAll(
          threads,
          thread ->
              () -> {
                for (int i = thread; i < BLOCKS; i += threads) {
                  tier.store(new BlockId(i, 0, BLOCK_BYTES), content, new Hold(1, false));
                }
                return null;
              });
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          "%d threads store %,.0f blocks of 100 KiB per second%n", threads, BLOCKS / seconds);
      assertThat(tier.statistics().entries()).isEqualTo(BLOCKS);
    } finally {
      content.release();
    }
    assertThat(pool.inUse()).isZero();
  }
}
