package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagePool;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
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
import org.openjdk.jmh.annotations.Warmup;

/** What the checksums of a cached block cost, beside one copy of its bytes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class BlockFormatBenchmark {
  private static final UUID NAMESPACE = new UUID(1, 2);

  @Param({"65536", "4194304"})
  int bytes;

  private BlockId id;
  private List<ByteBuffer> content;
  private ByteBuffer tail;
  private ByteBuffer copy;

  @Setup
  public void fill() {
    id = new BlockId(1, 0, bytes);
    content = new ArrayList<>();
    for (int at = 0; at < bytes; at += PagePool.PAGE_BYTES) {
      byte[] part = new byte[Math.min(PagePool.PAGE_BYTES, bytes - at)];
      new SplittableRandom(at).nextBytes(part);
      content.add(ByteBuffer.allocateDirect(part.length).put(part).flip());
    }
    tail = BlockFormat.tail(NAMESPACE, id, content);
    copy = ByteBuffer.allocateDirect(bytes);
  }

  @Benchmark
  public ByteBuffer tail() {
    return BlockFormat.tail(NAMESPACE, id, content);
  }

  @Benchmark
  public void check() throws CorruptBlockException {
    BlockFormat.checkTail(NAMESPACE, id, tail);
    BlockFormat.checkContent(id, tail, 0, content);
  }

  @Benchmark
  public ByteBuffer copyOnly() {
    copy.clear();
    for (ByteBuffer part : content) {
      copy.put(part.duplicate());
    }
    return copy;
  }
}
