package io.curvefs.cache.page;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What answering one request of the kernel from a block in memory costs, beside one bare copy. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PagedBytesBenchmark {
  private static final int BLOCK_BYTES = 4 << 20;
  private static final int READ_BYTES = 128 << 10;

  private PagedBytes block;
  private ByteBuffer plain;
  private ByteBuffer answer;
  private int at;

  @Setup
  public void fill() throws IOException {
    PagePool pool = new PagePool(8L << 20);
    block =
        PagedBytes.fill(
            pool, BLOCK_BYTES, Duration.ZERO, into -> into.forEach(PagedBytesBenchmark::touch));
    plain = ByteBuffer.allocateDirect(BLOCK_BYTES);
    touch(plain.duplicate());
    answer = ByteBuffer.allocateDirect(READ_BYTES);
  }

  /** Memory that was never written is one page of zeros, and read faster than any other. */
  private static void touch(ByteBuffer part) {
    while (part.hasRemaining()) {
      part.put((byte) part.position());
    }
  }

  @TearDown
  public void release() {
    block.release();
  }

  private int next() {
    at = (at + READ_BYTES) % BLOCK_BYTES;
    return at;
  }

  @Benchmark
  public ByteBuffer read() {
    answer.clear();
    if (!block.tryRetain()) {
      throw new IllegalStateException("the block is gone");
    }
    block.copyTo(next(), answer, READ_BYTES);
    block.release();
    return answer;
  }

  @Benchmark
  public ByteBuffer copyOnly() {
    answer.clear();
    int from = next();
    return answer.put(plain.duplicate().limit(from + READ_BYTES).position(from));
  }
}
