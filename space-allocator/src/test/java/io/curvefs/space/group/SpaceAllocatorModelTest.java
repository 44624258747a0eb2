package io.curvefs.space.group;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.VolumeNumber;
import io.curvefs.space.bitmap.Bitmap;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random operations, compared with plain sets of bits. More of them with {@code
 * -Dtest.jvm.args=-Dcurvefs.test.operations=100000000}, other ones with {@code
 * -Dcurvefs.test.seed}.
 */
class SpaceAllocatorModelTest {
  private static final int OPERATIONS = Integer.getInteger("curvefs.test.operations", 600_000);
  private static final long SEED = Long.getLong("curvefs.test.seed", 1);
  private static final VolumeNumber VOLUME = new VolumeNumber(2);
  private static final int GROUPS_MAX = 12;

  /** One group as it should be. */
  private static final class Model {
    final BitSet used = new BitSet();
    int blocks;
    boolean closed;

    Model(int blocks) {
      this.blocks = blocks;
    }

    int free() {
      return blocks - used.cardinality();
    }
  }

  private final SpaceAllocator allocator = new SpaceAllocator();
  private final TreeMap<Integer, Model> model = new TreeMap<>();

  /** Free blocks of the model's open and closed groups. */
  private final long[] free = new long[2];

  /** What was given out; files without their own order. */
  private final List<BlockRange> live = new ArrayList<>();

  private SplittableRandom random = new SplittableRandom();

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 0.8, 0.97, 1})
  void no_block_is_lost_or_given_twice(double fullness) {
    random = new SplittableRandom(SEED);
    System.out.println("seed " + SEED + ", " + OPERATIONS + " operations, full to " + fullness);
    for (int operation = 0; operation < OPERATIONS; operation++) {
      int dice = random.nextInt(1000);
      if (dice == 0) {
        changeGroups();
      } else if (dice < 10) {
        takeOrReleaseAtRandom();
      } else if (dice < 500 || total() - free[0] - free[1] > fullness * total()) {
        releaseSome();
      } else {
        allocate();
      }
      assertThat(allocator.free()).isEqualTo(free[0]);
      assertThat(allocator.freeInClosed()).isEqualTo(free[1]);
      if (operation % 10_000 == 0) {
        compare();
      }
    }
    compare();
  }

  private long total() {
    long total = 0;
    for (Model group : model.values()) {
      total += group.blocks;
    }
    return total;
  }

  private void allocate() {
    int bits = random.nextInt(random.nextInt(20) == 0 ? 17 : 11);
    int blocks = 1 + random.nextInt(1 << bits);
    SpaceRequest request = SpaceRequest.of(blocks);
    if (!live.isEmpty() && random.nextBoolean()) {
      request = request.behind(live.get(random.nextInt(live.size())));
    }
    if (random.nextBoolean()) {
      request = request.andMore();
    }
    if (random.nextInt(4) == 0) {
      request = request.inRanges(1 + random.nextInt(3));
    }
    long open = free[0];

    List<BlockRange> ranges = allocator.allocate(request);

    if (blocks > open) {
      assertThat(ranges).isEmpty();
      return;
    }
    int sum = 0;
    for (BlockRange range : ranges) {
      assertThat(model.get(range.group().index()).closed).isFalse();
      assertThat(mark(range, true)).isTrue();
      sum += range.count();
    }
    assertThat(ranges.size()).isBetween(1, request.rangesMax());
    assertThat(sum).isPositive();
    if (ranges.size() < request.rangesMax()) {
      assertThat(sum).isEqualTo(blocks);
    }
    live.addAll(ranges);
  }

  /** Sets or clears bits of the model if none of them is so already. */
  private boolean mark(BlockRange range, boolean used) {
    for (int pass = 0; pass < 2; pass++) {
      for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
        Model group = model.get(part.group().index());
        int first = part.firstInGroup();
        int end = first + part.count();
        if (pass == 1) {
          group.used.set(first, end, used);
          free[group.closed ? 1 : 0] += used ? -part.count() : part.count();
        } else {
          int other = used ? group.used.nextSetBit(first) : group.used.nextClearBit(first);
          if (other >= 0 && other < end) {
            return false;
          }
        }
      }
    }
    return true;
  }

  private void releaseSome() {
    if (live.isEmpty()) {
      return;
    }
    BlockRange range = removeLive(random.nextInt(live.size()));
    if (range.count() > 1 && random.nextInt(4) == 0) {
      int first = 1 + random.nextInt(range.count() - 1);
      live.add(range.part(0, first));
      range = range.part(first, range.count() - first);
    }
    assertThat(allocator.release(range)).isTrue();
    assertThat(mark(range, false)).isTrue();
  }

  private BlockRange removeLive(int index) {
    BlockRange last = live.remove(live.size() - 1);
    return index == live.size() ? last : live.set(index, last);
  }

  /** What may be in use or free, or partly so, as a replayed log would name it. */
  private void takeOrReleaseAtRandom() {
    if (model.isEmpty()) {
      return;
    }
    int index = List.copyOf(model.keySet()).get(random.nextInt(model.size()));
    Model group = model.get(index);
    int first = random.nextInt(group.blocks);
    int count = 1 + random.nextInt(Math.min(group.blocks - first, 100));
    BlockRange range = new BlockGroupId(VOLUME, index).range(first, count);
    boolean taken = allocator.take(range);
    assertThat(taken).isEqualTo(mark(range, true));
    if (taken) {
      live.add(range);
    } else if (group.used.nextClearBit(first) < first + count) {
      assertThat(allocator.release(range)).isFalse();
    }
  }

  private void changeGroups() {
    int index = random.nextInt(GROUPS_MAX);
    BlockGroupId id = new BlockGroupId(VOLUME, index);
    Model group = model.get(index);
    if (group == null) {
      group = new Model(1 + random.nextInt(VolumeLayout.GROUP_BLOCKS));
      model.put(index, group);
      free[0] += group.blocks;
      allocator.add(id, Bitmap.ofBits(group.blocks));
      return;
    }
    switch (random.nextInt(3)) {
      case 0 -> {
        int blocks = group.blocks + random.nextInt(VolumeLayout.GROUP_BLOCKS - group.blocks + 1);
        free[group.closed ? 1 : 0] += blocks - group.blocks;
        group.blocks = blocks;
        allocator.grow(id, blocks);
      }
      case 1 -> {
        free[group.closed ? 1 : 0] -= group.free();
        group.closed = !group.closed;
        free[group.closed ? 1 : 0] += group.free();
        allocator.setClosed(id, group.closed);
      }
      default -> {
        if (random.nextInt(5) == 0) {
          empty(index);
        }
        boolean empty = group.used.isEmpty();
        assertThat(allocator.remove(id)).isEqualTo(empty);
        if (empty) {
          free[group.closed ? 1 : 0] -= group.blocks;
          model.remove(index);
        }
      }
    }
  }

  private void empty(int index) {
    for (int i = live.size() - 1; i >= 0; i--) {
      if (live.get(i).group().index() == index) {
        BlockRange range = removeLive(i);
        assertThat(allocator.release(range)).isTrue();
        assertThat(mark(range, false)).isTrue();
      }
    }
  }

  private void compare() {
    allocator.verify();
    int longest = 0;
    List<GroupUsage> usages = new ArrayList<>();
    for (var entry : model.entrySet()) {
      Model group = entry.getValue();
      usages.add(
          new GroupUsage(
              new BlockGroupId(VOLUME, entry.getKey()), group.blocks, group.free(), group.closed));
      longest = Math.max(longest, group.closed ? 0 : longestRun(group));
    }
    assertThat(allocator.usages()).isEqualTo(usages);
    assertThat(allocator.longestFree()).isEqualTo(longest);
  }

  private static int longestRun(Model group) {
    int longest = 0;
    for (int first = group.used.nextClearBit(0); first < group.blocks; ) {
      int end = group.used.nextSetBit(first);
      end = end < 0 ? group.blocks : end;
      longest = Math.max(longest, end - first);
      first = group.used.nextClearBit(end);
    }
    return longest;
  }
}
