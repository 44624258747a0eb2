package io.curvefs.space;

import java.util.Comparator;

/**
 * A block group: 128 MiB of a volume, the unit in which space is dealt to raft groups.
 *
 * @param index of the group on its volume, 0 to 2^31 - 2
 */
public record BlockGroupId(VolumeNumber volume, int index) implements Comparable<BlockGroupId> {
  private static final Comparator<BlockGroupId> ORDER =
      Comparator.comparing(BlockGroupId::volume).thenComparingInt(BlockGroupId::index);

  public BlockGroupId {
    if (index < 0 || index == Integer.MAX_VALUE) {
      throw new IllegalArgumentException("not the index of a block group: " + index);
    }
  }

  /**
   * Some blocks of this group.
   *
   * @param first the first one, counted from the group's begin
   * @param count 1 or more, and not beyond a whole group's end
   */
  public BlockRange range(int first, int count) {
    if (first < 0 || count > VolumeLayout.GROUP_BLOCKS - first) {
      throw new IllegalArgumentException("not in a block group: " + first + "+" + count);
    }
    return BlockRange.of(volume, (long) index * VolumeLayout.GROUP_BLOCKS + first, count);
  }

  @Override
  public int compareTo(BlockGroupId other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return volume + "/" + index;
  }
}
