package io.curvefs.space.group;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.VolumeNumber;
import io.curvefs.space.bitmap.Bitmap;
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

/**
 * A release at random and an allocation of the same length, on 1024 groups (128 GiB) which small
 * files of random lengths have filled and left in part.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SpaceAllocatorBenchmark {
  private static final int GROUPS = 1024;
  private static final int HELD = 512;

  @Param({"0", "50", "95"})
  int percentFull;

  /** 4 KiB, 128 KiB, 4 MiB and 64 MiB. */
  @Param({"1", "32", "1024", "16384"})
  int blocks;

  private final SplittableRandom random = new SplittableRandom(1);
  private SpaceAllocator allocator;
  private List<List<BlockRange>> held;

  @Setup
  public void fill() {
    allocator = new SpaceAllocator();
    for (int i = 0; i < GROUPS; i++) {
      Bitmap used = Bitmap.ofBits(VolumeLayout.GROUP_BLOCKS);
      for (int at = 0; percentFull > 0 && at < used.length(); ) {
        int file = Math.min(1 + random.nextInt(64), used.length() - at);
        if (random.nextInt(100) < percentFull && used.set(at, file) != Bitmap.DONE) {
          throw new AssertionError("taken twice");
        }
        at += file;
      }
      allocator.add(new BlockGroupId(new VolumeNumber(1), i), used);
    }
    held = new ArrayList<>();
    for (int i = 0; i < HELD && allocator.free() >= 2L * blocks; i++) {
      held.add(allocator.allocate(SpaceRequest.of(blocks)));
    }
  }

  @Benchmark
  public List<BlockRange> replaceOne() {
    int one = random.nextInt(held.size());
    for (BlockRange range : held.get(one)) {
      if (!allocator.release(range)) {
        throw new AssertionError("freed twice");
      }
    }
    List<BlockRange> ranges = allocator.allocate(SpaceRequest.of(blocks));
    held.set(one, ranges);
    return ranges;
  }
}
