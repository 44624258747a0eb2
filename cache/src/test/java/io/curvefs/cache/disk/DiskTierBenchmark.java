package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** Reads of blocks that are in the kernel's page cache, so that what remains is our own work. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Threads(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DiskTierBenchmark {
  private static final int BLOCKS = 16;
  private static final int PIECE_BYTES = 4096;
  private static final Duration LONG = Duration.ofSeconds(20);

  @Param({"65536", "4194304"})
  public int bytes;

  private Path directory;
  private DiskTier tier;

  private BlockId block(int number) {
    return new BlockId(number, 0, bytes);
  }

  @Setup
  public void fill() throws IOException, InterruptedException {
    PagePool pool = new PagePool(128L << 20);
    directory = Files.createTempDirectory("disk-tier");
    DiskTierOptions options =
        new DiskTierOptions(
            List.of(directory), new UUID(1, 2), 1L << 30, 1000, 0, 0, 96L << 20, LONG, LONG);
    tier = DiskTier.open(options, pool, InstantSource.system());
    for (int i = 0; i < BLOCKS; i++) {
      PagedBytes content = TestBlocks.content(pool, block(i));
      tier.offer(block(i), content);
      content.release();
    }
    if (!tier.awaitWrites(LONG)) {
      throw new IOException("the blocks were not written in time");
    }
  }

  @TearDown
  public void end() throws IOException {
    tier.close();
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  @Benchmark
  public void whole() throws IOException {
    tier.read(block(ThreadLocalRandom.current().nextInt(BLOCKS))).release();
  }

  @Benchmark
  public boolean piece() throws IOException {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int at = random.nextInt(bytes / PIECE_BYTES) * PIECE_BYTES;
    return tier.readRange(block(random.nextInt(BLOCKS)), at, ByteBuffer.allocate(PIECE_BYTES));
  }

  @Benchmark
  public PagedBytes miss() throws IOException {
    return tier.read(block(BLOCKS));
  }
}
