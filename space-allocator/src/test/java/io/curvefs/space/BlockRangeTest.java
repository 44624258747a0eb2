package io.curvefs.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class BlockRangeTest {
  private static final VolumeNumber VOLUME = new VolumeNumber(3);

  @Test
  void an_address_is_the_volume_in_the_upper_16_bits_and_the_block_in_the_lower_48() {
    BlockRange range = BlockRange.of(VOLUME, 0x12345678L, 9);

    assertThat(range.address()).isEqualTo(0x0003_0000_1234_5678L);
    assertThat(new BlockRange(0x0003_0000_1234_5678L, 9)).isEqualTo(range);
    assertThat(range.volume()).isEqualTo(VOLUME);
    assertThat(range.block()).isEqualTo(0x12345678L);
    assertThat(range.end()).isEqualTo(0x12345681L);
    assertThat(range).hasToString("3:305419896+9");
  }

  @Test
  void block_0_lies_behind_the_header_area() {
    assertThat(BlockRange.of(VOLUME, 0, 1).deviceOffset()).isEqualTo(1 << 20);
    assertThat(BlockRange.of(VOLUME, 32768, 2).deviceOffset()).isEqualTo(129L << 20);
    assertThat(BlockRange.of(VOLUME, 32768, 2).bytes()).isEqualTo(8192);
    long last = VolumeLayout.BLOCKS_MAX - 1;
    assertThat(BlockRange.of(VOLUME, last, 1).deviceOffset())
        .isEqualTo((1L << 58) - (127 << 20) - 4096);
  }

  @Test
  void a_group_has_32768_blocks() {
    BlockRange range = BlockRange.of(VOLUME, 7 * 32768L + 5, 10);

    assertThat(range.group()).isEqualTo(new BlockGroupId(VOLUME, 7));
    assertThat(range.firstInGroup()).isEqualTo(5);
    assertThat(range.group().range(5, 10)).isEqualTo(range);
    BlockGroupId last = BlockRange.of(VOLUME, VolumeLayout.BLOCKS_MAX - 1, 1).group();
    assertThat(last.index()).isEqualTo(Integer.MAX_VALUE - 1);
    assertThat(last.range(32767, 1).end()).isEqualTo(VolumeLayout.BLOCKS_MAX);
  }

  @Test
  void a_range_is_cut_at_the_borders_of_groups() {
    BlockRange range = BlockRange.of(VOLUME, 32766, 2 + 32768 + 3);

    assertThat(range.cutAtEvery(VolumeLayout.GROUP_BLOCKS))
        .containsExactly(
            BlockRange.of(VOLUME, 32766, 2),
            BlockRange.of(VOLUME, 32768, 32768),
            BlockRange.of(VOLUME, 65536, 3));
    assertThat(range.part(2, 32768).cutAtEvery(VolumeLayout.GROUP_BLOCKS))
        .containsExactly(range.part(2, 32768));
    assertThat(range.cutAtEvery(4096)).hasSize(10);
    assertThatIllegalArgumentException().isThrownBy(() -> range.cutAtEvery(3));
    assertThatIllegalArgumentException().isThrownBy(() -> range.cutAtEvery(Integer.MIN_VALUE));
  }

  @Test
  void neighbours_follow_and_do_not_overlap() {
    BlockRange one = BlockRange.of(VOLUME, 10, 5);
    BlockRange next = BlockRange.of(VOLUME, 15, 5);

    assertThat(one.isFollowedBy(next)).isTrue();
    assertThat(next.isFollowedBy(one)).isFalse();
    assertThat(one.overlaps(next)).isFalse();
    assertThat(one.overlaps(BlockRange.of(VOLUME, 14, 1))).isTrue();
    assertThat(one.overlaps(BlockRange.of(new VolumeNumber(4), 10, 5))).isFalse();
    assertThat(List.of(next, one).stream().sorted()).containsExactly(one, next);
  }

  @Test
  void what_is_no_range_cannot_exist() {
    refused(() -> new BlockRange(0, 1));
    refused(() -> new BlockRange(5, 1));
    refused(() -> new BlockRange(-1, 1));
    refused(() -> new BlockRange(1L << 48, 0));
    refused(() -> new BlockRange(1L << 48, -1));
    refused(() -> new BlockRange((1L << 48) + VolumeLayout.BLOCKS_MAX - 1, 2));
    refused(() -> BlockRange.of(VOLUME, -1, 1));
    refused(() -> BlockRange.of(VOLUME, VolumeLayout.BLOCKS_MAX, 1));
    refused(() -> BlockRange.of(VOLUME, 0, 4).part(0, 5));
    refused(() -> BlockRange.of(VOLUME, 0, 4).part(4, 1));
    refused(() -> BlockRange.of(VOLUME, 0, 4).part(-1, 1));
    refused(() -> new VolumeNumber(0));
    refused(() -> new VolumeNumber(32768));
    refused(() -> new BlockGroupId(VOLUME, -1));
    refused(() -> new BlockGroupId(VOLUME, Integer.MAX_VALUE));
    refused(() -> new BlockGroupId(VOLUME, 0).range(32767, 2));
    refused(() -> new BlockGroupId(VOLUME, 0).range(-1, 1));
  }

  private static void refused(Runnable making) {
    assertThatIllegalArgumentException().isThrownBy(making::run);
  }

  @Test
  void a_device_is_cut_into_groups_of_which_the_last_may_be_shorter() {
    long header = VolumeLayout.HEADER_BYTES;
    long group = 128L << 20;

    assertThat(VolumeLayout.groups(0)).isZero();
    assertThat(VolumeLayout.groups(header + 4095)).isZero();
    assertThat(VolumeLayout.groups(header + 4096)).isEqualTo(1);
    assertThat(VolumeLayout.groups(header + group)).isEqualTo(1);
    assertThat(VolumeLayout.groups(header + group + 4096)).isEqualTo(2);
    assertThat(VolumeLayout.groupBlocks(header + group + 8191, 0)).isEqualTo(32768);
    assertThat(VolumeLayout.groupBlocks(header + group + 8191, 1)).isEqualTo(1);
    assertThat(VolumeLayout.blocks(Long.MAX_VALUE)).isEqualTo(VolumeLayout.BLOCKS_MAX);
    assertThat(VolumeLayout.groups(Long.MAX_VALUE)).isEqualTo(Integer.MAX_VALUE);
    refused(() -> VolumeLayout.groupBlocks(header + group, 1));
  }
}
