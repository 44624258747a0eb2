package io.curvefs.space.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.VolumeNumber;
import io.curvefs.space.bitmap.Bitmap;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SpaceAllocatorTest {
  private static final VolumeNumber VOLUME = new VolumeNumber(1);
  private static final int GROUP = VolumeLayout.GROUP_BLOCKS;
  private static final int LARGE = 1024;

  private final SpaceAllocator allocator = new SpaceAllocator();

  @AfterEach
  void what_is_counted_is_true() {
    allocator.verify();
  }

  private void addGroups(int count) {
    for (int i = 0; i < count; i++) {
      allocator.add(group(i), Bitmap.ofBits(GROUP));
    }
  }

  private static BlockGroupId group(int index) {
    return new BlockGroupId(VOLUME, index);
  }

  private static BlockRange blocks(long first, int count) {
    return BlockRange.of(VOLUME, first, count);
  }

  private BlockRange allocateOne(SpaceRequest request) {
    List<BlockRange> ranges = allocator.allocate(request);
    assertThat(ranges).hasSize(1);
    assertThat(ranges.get(0).count()).isEqualTo(request.blocks());
    return ranges.get(0);
  }

  /** Takes all but every n-th block of the first blocks. */
  private void scatter(int blocks, int every) {
    for (int block = 0; block < blocks; block += every) {
      assertThat(allocator.take(blocks(block, every - 1))).isTrue();
    }
  }

  @Test
  void a_file_goes_on_right_behind_its_last_range() {
    addGroups(2);
    BlockRange one = allocateOne(SpaceRequest.of(LARGE).andMore());
    BlockRange two = allocateOne(SpaceRequest.of(LARGE).behind(one).andMore());
    BlockRange three = allocateOne(SpaceRequest.of(1).behind(two));

    assertThat(one.isFollowedBy(two)).isTrue();
    assertThat(two.isFollowedBy(three)).isTrue();
  }

  @Test
  void what_is_free_behind_a_file_is_used_and_the_rest_lies_in_the_same_group() {
    addGroups(3);
    assertThat(allocator.take(blocks(GROUP, 100))).isTrue();
    assertThat(allocator.take(blocks(GROUP + 110, 100))).isTrue();

    assertThat(allocator.allocate(SpaceRequest.of(50).behind(blocks(GROUP, 100))))
        .containsExactly(blocks(GROUP + 100, 10), blocks(GROUP + 210, 40));
    assertThat(allocator.allocate(SpaceRequest.of(LARGE).behind(blocks(GROUP, 100))))
        .containsExactly(blocks(GROUP + 250, LARGE));
  }

  @Test
  void a_group_without_room_sends_a_file_to_another() {
    addGroups(2);
    assertThat(allocator.take(blocks(GROUP, GROUP))).isTrue();

    assertThat(allocator.allocate(SpaceRequest.of(50).behind(blocks(2 * GROUP - 7, 7))))
        .containsExactly(blocks(0, 50));
  }

  @Test
  void a_file_whose_end_is_unknown_here_is_a_new_one() {
    addGroups(1);
    allocator.add(group(9), Bitmap.ofBits(100));
    BlockRange elsewhere = BlockRange.of(new VolumeNumber(7), 5, 5);

    assertThat(allocateOne(SpaceRequest.of(3).behind(elsewhere))).isEqualTo(blocks(0, 3));
    BlockRange beyond = group(9).range(5000, 5);
    assertThat(allocateOne(SpaceRequest.of(3).behind(beyond))).isEqualTo(group(9).range(0, 3));
  }

  @Test
  void small_files_lie_at_one_end_and_large_ones_at_the_other() {
    addGroups(4);
    for (int i = 0; i < 10; i++) {
      assertThat(allocateOne(SpaceRequest.of(SpaceAllocator.SMALL_BLOCKS_MAX)).group())
          .isEqualTo(group(0));
      assertThat(allocateOne(SpaceRequest.of(SpaceAllocator.SMALL_BLOCKS_MAX + 1)).group())
          .isEqualTo(group(3));
    }
  }

  @Test
  void small_files_fill_holes_before_they_break_long_runs() {
    addGroups(2);
    scatter(1000, 10);

    assertThat(allocateOne(SpaceRequest.of(1))).isEqualTo(blocks(9, 1));
    assertThat(allocateOne(SpaceRequest.of(1))).isEqualTo(blocks(19, 1));
  }

  @Test
  void files_that_grow_at_the_same_time_have_a_run_each() {
    addGroups(8);
    BlockRange[] ends = new BlockRange[8];
    for (int file = 0; file < ends.length; file++) {
      ends[file] = allocateOne(SpaceRequest.of(LARGE).andMore());
    }
    for (int i = 0; i < 20; i++) {
      for (int file = 0; file < ends.length; file++) {
        BlockRange next = allocateOne(SpaceRequest.of(LARGE).behind(ends[file]).andMore());
        assertThat(ends[file].isFollowedBy(next)).isTrue();
        ends[file] = next;
      }
    }
  }

  @Test
  void every_free_block_can_be_had_and_not_one_more() {
    addGroups(2);
    scatter(2 * GROUP, 16);
    int free = 2 * GROUP / 16;
    assertThat(allocator.free()).isEqualTo(free);

    assertThat(allocator.allocate(SpaceRequest.of(free + 1))).isEmpty();
    assertThat(allocator.free()).isEqualTo(free);
    List<BlockRange> all = allocator.allocate(SpaceRequest.of(free));

    assertThat(all).hasSize(free).doesNotHaveDuplicates();
    assertThat(allocator.free()).isZero();
    assertThat(allocator.longestFree()).isZero();
    assertThat(allocator.allocate(SpaceRequest.of(1))).isEmpty();
  }

  @Test
  void scattered_space_is_given_in_as_few_ranges_as_there_can_be() {
    addGroups(1);
    assertThat(allocator.take(blocks(0, GROUP))).isTrue();
    int[] runs = {3, 900, 40, 7, 500, 2, 1};
    for (int i = 0; i < runs.length; i++) {
      assertThat(allocator.release(blocks(i * 2000, runs[i]))).isTrue();
    }

    assertThat(allocator.allocate(SpaceRequest.of(1403)))
        .containsExactly(blocks(2000, 900), blocks(8000, 500), blocks(0, 3));
    assertThat(allocator.longestFree()).isEqualTo(40);
  }

  @Test
  void a_request_for_few_ranges_gets_the_longest_and_so_less() {
    addGroups(1);
    assertThat(allocator.take(blocks(0, GROUP))).isTrue();
    assertThat(allocator.release(blocks(100, 30))).isTrue();
    assertThat(allocator.release(blocks(200, 50))).isTrue();
    assertThat(allocator.release(blocks(300, 40))).isTrue();

    assertThat(allocator.allocate(SpaceRequest.of(121).inRanges(1))).isEmpty();
    assertThat(allocator.allocate(SpaceRequest.of(100).inRanges(2)))
        .containsExactly(blocks(200, 50), blocks(300, 40));
    assertThat(allocator.release(blocks(200, 50))).isTrue();
    assertThat(allocator.allocate(SpaceRequest.of(60).behind(blocks(99, 1)).inRanges(1)))
        .containsExactly(blocks(200, 50));
    assertThat(allocator.allocate(SpaceRequest.of(30).behind(blocks(99, 1)).inRanges(1)))
        .containsExactly(blocks(100, 30));
  }

  @Test
  void a_closed_group_gives_nothing_takes_back_and_can_be_removed_when_it_is_empty() {
    addGroups(2);
    BlockRange file = allocateOne(SpaceRequest.of(LARGE));
    assertThat(file.group()).isEqualTo(group(1));
    allocator.setClosed(group(1), true);

    assertThat(allocator.free()).isEqualTo(GROUP);
    assertThat(allocator.freeInClosed()).isEqualTo(GROUP - LARGE);
    assertThat(allocator.allocate(SpaceRequest.of(GROUP + 1))).isEmpty();
    assertThat(allocateOne(SpaceRequest.of(LARGE).behind(file)).group()).isEqualTo(group(0));
    assertThat(allocator.remove(group(1))).isFalse();

    assertThat(allocator.release(file)).isTrue();
    assertThat(allocator.usage(group(1)).isEmpty()).isTrue();
    assertThat(allocator.remove(group(1))).isTrue();
    assertThat(allocator.freeInClosed()).isZero();
    assertThat(allocator.usages())
        .containsExactly(new GroupUsage(group(0), GROUP, GROUP - LARGE, false));
    assertThat(allocator.allocate(SpaceRequest.of(GROUP))).isEmpty();
  }

  @Test
  void a_closed_group_that_is_opened_gives_space_again() {
    addGroups(1);
    allocator.setClosed(group(0), true);
    assertThat(allocator.longestFree()).isZero();

    allocator.setClosed(group(0), false);

    assertThat(allocator.longestFree()).isEqualTo(GROUP);
    assertThat(allocateOne(SpaceRequest.of(GROUP))).isEqualTo(blocks(0, GROUP));
  }

  @Test
  void the_last_group_grows_with_its_volume() {
    allocator.add(group(0), Bitmap.ofBits(100));
    BlockRange all = allocateOne(SpaceRequest.of(100));

    allocator.grow(group(0), GROUP);

    assertThat(allocator.free()).isEqualTo(GROUP - 100);
    BlockRange more = allocateOne(SpaceRequest.of(GROUP - 100).behind(all));
    assertThat(all.isFollowedBy(more)).isTrue();
    assertThatIllegalArgumentException().isThrownBy(() -> allocator.grow(group(0), GROUP - 1));
  }

  @Test
  void a_stored_bitmap_says_what_is_in_use() {
    Bitmap used = Bitmap.ofBits(GROUP);
    byte[] row = new byte[Bitmap.SEGMENT_BYTES];
    assertThat(Bitmap.over(row).set(0, 4096)).isEqualTo(Bitmap.DONE);
    for (int segment = 0; segment < 7; segment++) {
      used.setSegment(segment, row);
    }
    allocator.add(group(5), used);

    assertThat(allocator.free()).isEqualTo(4096);
    assertThat(allocateOne(SpaceRequest.of(4096))).isEqualTo(group(5).range(7 * 4096, 4096));
  }

  @Test
  void nothing_is_freed_or_taken_twice() {
    addGroups(2);
    BlockRange over = blocks(GROUP - 10, 20);
    assertThat(allocator.take(over)).isTrue();
    assertThat(allocator.take(blocks(GROUP + 9, 5))).isFalse();
    assertThat(allocator.release(blocks(GROUP - 11, 20))).isFalse();
    assertThat(allocator.release(blocks(GROUP - 5, 16))).isFalse();
    assertThat(allocator.free()).isEqualTo(2 * GROUP - 20);

    assertThat(allocator.release(over)).isTrue();
    assertThat(allocator.release(over)).isFalse();
    assertThat(allocator.free()).isEqualTo(2 * GROUP);
  }

  @Test
  void a_group_that_is_not_here_is_named() {
    addGroups(1);
    allocator.add(group(1), Bitmap.ofBits(50));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> allocator.release(blocks(2L * GROUP, 1)))
        .withMessage("block group 1/2 is not here");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> allocator.take(blocks(GROUP + 49, 2)))
        .withMessage("1:32817+2 is not in block group 1/1, which has 50 blocks");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> allocator.add(group(1), Bitmap.ofBits(50)))
        .withMessage("block group 1/1 is here already");
    assertThatIllegalArgumentException().isThrownBy(() -> allocator.remove(group(3)));
    assertThatIllegalArgumentException().isThrownBy(() -> SpaceRequest.of(0));
    assertThatIllegalArgumentException().isThrownBy(() -> SpaceRequest.of(1).inRanges(0));
  }

  @Test
  void without_groups_there_is_no_space() {
    assertThat(allocator.allocate(SpaceRequest.of(1))).isEmpty();
    assertThat(allocator.longestFree()).isZero();
    assertThat(allocator.usages()).isEmpty();
  }
}
