package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
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

/** Whole blocks to and from one real server on loopback, by 8 threads. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Threads(8)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 2)
public class MemcachedTierBenchmark {
  private static final int BLOCKS = 32;

  @Param({"1", "2", "4"})
  public int connections;

  @Param({"128", "4096"})
  public int blockKib;

  private MemcachedProcess server;
  private MemcachedTier tier;
  private PagedBytes content;

  @Setup
  public void fill() throws IOException {
    Duration patient = Duration.ofSeconds(20);
    PagePool pool = new PagePool(128L << 20);
    server = MemcachedProcess.start("-m", "1024", "-t", "2");
    tier =
        new MemcachedTier(
            new MemcachedOptions(
                new UUID(1, 1),
                patient,
                patient,
                patient,
                patient,
                connections,
                32 << 20,
                32 << 20,
                32 << 20,
                patient,
                patient),
            pool);
    tier.use(List.of(server.server()));
    content = TestBlocks.content(pool, block(0));
    for (int i = 0; i < BLOCKS; i++) {
      tier.store(block(i), content, 1);
    }
  }

  @TearDown
  public void end() throws IOException {
    content.release();
    tier.close();
    server.close();
  }

  private BlockId block(int i) {
    return new BlockId(1, i, blockKib << 10);
  }

  @Benchmark
  public void read() throws IOException {
    PagedBytes read = tier.read(block(ThreadLocalRandom.current().nextInt(BLOCKS)));
    if (read == null) {
      throw new IllegalStateException("a miss");
    }
    read.release();
  }

  @Benchmark
  public void store() throws IOException {
    tier.store(block(ThreadLocalRandom.current().nextInt(BLOCKS)), content, 2);
    tier.release(2);
  }
}
