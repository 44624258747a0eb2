package io.curvefs.space.group;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.VolumeNumber;
import io.curvefs.space.bitmap.Bitmap;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/**
 * How many extents files have after a volume was filled several times over. The same in every run.
 * Prints the table; {@code -Dtest.jvm.args="-Dcurvefs.test.groups=64 -Dcurvefs.test.turns=10"} is
 * that of docs/decisions.md.
 */
class AgeingTest {
  private static final int GROUPS = Integer.getInteger("curvefs.test.groups", 32);
  private static final int TURNS = Integer.getInteger("curvefs.test.turns", 4);
  private static final int BLOCKS = GROUPS * VolumeLayout.GROUP_BLOCKS;

  /** From here on (1 MiB) a file is large. */
  private static final int LARGE = 256;

  private static final int BLOCKS_PER_GIB = 1 << 18;

  /** What is measured. */
  private record Space(
      Function<SpaceRequest, List<BlockRange>> allocate,
      Consumer<BlockRange> release,
      LongSupplier free) {}

  /**
   * What is done with it.
   *
   * @param full part of the volume that is in use; before more is written, files are removed at
   *     random
   * @param writers files that are written at once, a piece of one after a piece of another
   * @param piece blocks of a request, at most
   */
  private record Workload(double full, int writers, int piece) {}

  private static final class AgedFile {
    final int blocks;
    final List<BlockRange> extents = new ArrayList<>();
    int written;

    AgedFile(int blocks) {
      this.blocks = blocks;
    }

    BlockRange last() {
      return extents.isEmpty() ? null : extents.get(extents.size() - 1);
    }

    void add(BlockRange range) {
      BlockRange last = last();
      if (last != null && last.isFollowedBy(range)) {
        extents.set(
            extents.size() - 1, new BlockRange(last.address(), last.count() + range.count()));
      } else {
        extents.add(range);
      }
      written += range.count();
    }
  }

  private static Space ours() {
    SpaceAllocator allocator = new SpaceAllocator();
    for (int i = 0; i < GROUPS; i++) {
      allocator.add(
          new BlockGroupId(new VolumeNumber(1), i), Bitmap.ofBits(VolumeLayout.GROUP_BLOCKS));
    }
    return new Space(
        allocator::allocate,
        range -> assertThat(allocator.release(range)).isTrue(),
        allocator::free);
  }

  private static Space firstFit(boolean next) {
    FirstFit allocator = new FirstFit(BLOCKS, next);
    return new Space(allocator::allocate, allocator::release, allocator::free);
  }

  /** Nine of ten files are small; half of the space is of files from 64 to 512 MiB. */
  private static int size(SplittableRandom random) {
    double kind = random.nextDouble();
    if (kind < 0.9) {
      return between(1, LARGE, random);
    }
    return kind < 0.99 ? between(LARGE, 1 << 14, random) : between(1 << 14, 1 << 17, random);
  }

  private static int between(double from, double to, SplittableRandom random) {
    return (int) (from * Math.pow(to / from, random.nextDouble()));
  }

  /** Extents per GiB of large files. */
  private static double age(Space space, Workload workload) {
    SplittableRandom random = new SplittableRandom(7);
    List<AgedFile> files = new ArrayList<>();
    AgedFile[] open = new AgedFile[workload.writers];
    for (long written = 0; written < (long) BLOCKS * TURNS; ) {
      int writer = random.nextInt(open.length);
      if (open[writer] == null) {
        open[writer] = new AgedFile(size(random));
      }
      AgedFile file = open[writer];
      int count = Math.min(workload.piece, file.blocks - file.written);
      while (BLOCKS - space.free.getAsLong() + count > BLOCKS * workload.full && !files.isEmpty()) {
        remove(files, random).extents.forEach(space.release);
      }
      boolean more = file.written + count < file.blocks;
      SpaceRequest request = new SpaceRequest(count, file.last(), more, Integer.MAX_VALUE);
      space.allocate.apply(request).forEach(file::add);
      written += count;
      if (file.written == file.blocks) {
        files.add(file);
        open[writer] = null;
      }
    }
    long extents = 0;
    long blocks = 0;
    for (AgedFile file : files) {
      if (file.blocks >= LARGE) {
        extents += file.extents.size();
        blocks += file.blocks;
      }
    }
    return (double) extents * BLOCKS_PER_GIB / blocks;
  }

  private static AgedFile remove(List<AgedFile> files, SplittableRandom random) {
    int index = random.nextInt(files.size());
    AgedFile last = files.remove(files.size() - 1);
    return index == files.size() ? last : files.set(index, last);
  }

  @Test
  void large_files_have_far_fewer_extents_than_with_first_fit() {
    System.out.println(
        "| full | files written at once | piece | first fit | next fit | **ours** |");
    double[] sums = new double[2];
    for (double full : new double[] {0.7, 0.9, 0.97}) {
      for (int writers : new int[] {1, 8}) {
        for (int piece : new int[] {1024, 16384}) {
          Workload workload = new Workload(full, writers, piece);
          double firstFit = age(firstFit(false), workload);
          double nextFit = age(firstFit(true), workload);
          double ours = age(ours(), workload);
          System.out.printf(
              "| %.0f %% | %d | %d MiB | %.0f | %.0f | %.0f |%n",
              full * 100, writers, piece / LARGE, firstFit, nextFit, ours);
          assertThat(ours).as("%s", workload).isLessThan(firstFit * 1.2);
          sums[0] += firstFit;
          sums[1] += ours;
        }
      }
    }
    assertThat(sums[1]).isLessThan(sums[0] / 2);
  }
}
