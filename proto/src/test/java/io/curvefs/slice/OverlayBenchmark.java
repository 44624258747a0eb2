package io.curvefs.slice;

import io.curvefs.proto.Extent;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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

/** What each read pays to find which extents show. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class OverlayBenchmark {
  private static final int READ_BYTES = 128 << 10;

  /** As many as a chunk has before it is compacted. */
  @Param({"1", "31"})
  int extents;

  private List<Extent> laid;
  private Overlay overlay;

  @Setup
  public void lay() {
    SplittableRandom random = new SplittableRandom(1);
    laid = new ArrayList<>();
    for (int i = 0; i < extents; i++) {
      int length = extents == 1 ? Layout.CHUNK_BYTES : 1 + random.nextInt(4 << 20);
      laid.add(
          Extent.newBuilder()
              .setSlice(i + 1)
              .setSliceLength(length)
              .setChunkOffset(random.nextInt(Layout.CHUNK_BYTES - length + 1))
              .setLength(length)
              .build());
    }
    overlay = Overlay.of(laid);
  }

  @Benchmark
  public Overlay build() {
    return Overlay.of(laid);
  }

  @Benchmark
  public List<Extent> find() {
    return overlay.pieces(READ_BYTES, 2 * READ_BYTES);
  }
}
