package io.curvefs.slice;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.proto.Extent;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockSetTest {
  private static final int MIB = 1 << 20;

  private static Extent extent(long slice, int from, int length, int sliceLength) {
    return Extent.newBuilder()
        .setSlice(slice)
        .setSliceOffset(from)
        .setLength(length)
        .setSliceLength(sliceLength)
        .build();
  }

  private static Set<String> told(BlockSet set) {
    Set<String> blocks = new HashSet<>();
    set.forEach((slice, block, length) -> blocks.add(slice + "/" + block + "/" + length));
    return blocks;
  }

  @Test
  void an_extent_refers_to_every_block_that_it_touches() {
    BlockSet set = BlockSet.of(List.of(extent(7, 4 * MIB - 1, 4 * MIB + 2, 13 * MIB)));

    assertThat(told(set)).containsExactlyInAnyOrder("7/0/4194304", "7/1/4194304", "7/2/4194304");
  }

  @Test
  void the_last_block_is_as_long_as_the_slice_says() {
    assertThat(told(BlockSet.of(List.of(extent(7, 4 * MIB, 10, 5 * MIB)))))
        .containsExactly("7/1/1048576");
  }

  @Test
  void a_whole_chunk_fits() {
    BlockSet set = BlockSet.of(List.of(extent(7, 0, 64 * MIB, 64 * MIB)));

    assertThat(told(set)).hasSize(16);
  }

  @Test
  void a_hole_refers_to_nothing() {
    assertThat(BlockSet.of(List.of(extent(0, 0, MIB, 0))).isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void differences_are_those_of_sets(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      BlockSet a = new BlockSet();
      BlockSet b = new BlockSet();
      for (int i = 0; i < 8; i++) {
        int from = random.nextInt(63 * MIB);
        int length = 1 + random.nextInt(64 * MIB - from);
        (random.nextBoolean() ? a : b).add(extent(1 + random.nextInt(3), from, length, 64 * MIB));
      }
      Set<String> expected = told(a);
      expected.removeAll(told(b));

      a.removeAll(b);
      assertThat(told(a)).as("seed %d round %d", seed, round).isEqualTo(expected);
      BlockSet again = new BlockSet();
      a.toSlices().forEach(again::add);
      assertThat(again).isEqualTo(a);
    }
  }
}
