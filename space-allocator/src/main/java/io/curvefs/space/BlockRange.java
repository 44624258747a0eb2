package io.curvefs.space;

import java.util.ArrayList;
import java.util.List;

/**
 * Neighbouring blocks of one volume. May reach over the borders of groups.
 *
 * @param address of the first block: the volume in the upper 16 bits, the number of the block in
 *     the lower 48. Positive, and stored as it is
 * @param count of blocks, 1 or more
 */
public record BlockRange(long address, int count) implements Comparable<BlockRange> {
  private static final int VOLUME_SHIFT = 48;
  private static final long BLOCK_MASK = (1L << VOLUME_SHIFT) - 1;

  public BlockRange {
    if (address >>> VOLUME_SHIFT == 0
        || address < 0
        || count <= 0
        || (address & BLOCK_MASK) + count > VolumeLayout.BLOCKS_MAX) {
      throw new IllegalArgumentException(
          "not a range of blocks: " + Long.toHexString(address) + "+" + count);
    }
  }

  /**
   * A range by its parts.
   *
   * @param block number of the first block on its volume, counted from the end of the header area
   */
  public static BlockRange of(VolumeNumber volume, long block, int count) {
    if (block < 0 || block >= VolumeLayout.BLOCKS_MAX) {
      throw new IllegalArgumentException("not a block of a volume: " + block);
    }
    return new BlockRange((long) volume.value() << VOLUME_SHIFT | block, count);
  }

  public VolumeNumber volume() {
    return new VolumeNumber((int) (address >>> VOLUME_SHIFT));
  }

  /** Number of the first block on its volume. */
  public long block() {
    return address & BLOCK_MASK;
  }

  /** Number of the first block behind the range. */
  public long end() {
    return block() + count;
  }

  /** Where the range begins on the device, in bytes. */
  public long deviceOffset() {
    return VolumeLayout.HEADER_BYTES + block() * VolumeLayout.BLOCK_BYTES;
  }

  public long bytes() {
    return (long) count * VolumeLayout.BLOCK_BYTES;
  }

  /** The group of the first block. */
  public BlockGroupId group() {
    return new BlockGroupId(volume(), (int) (block() / VolumeLayout.GROUP_BLOCKS));
  }

  /** The first block, counted from the begin of its group. */
  public int firstInGroup() {
    return (int) (address & VolumeLayout.GROUP_BLOCKS - 1);
  }

  /** Whether the other range begins where this one ends, on the same volume. */
  public boolean isFollowedBy(BlockRange other) {
    return other.address == address + count;
  }

  /** Whether some block is in both. */
  public boolean overlaps(BlockRange other) {
    return address < other.address + other.count && other.address < address + count;
  }

  /**
   * Blocks of this range.
   *
   * @param first counted from the range's begin
   * @param blocks 1 or more
   */
  public BlockRange part(int first, int blocks) {
    if (first < 0 || blocks > count - first) {
      throw new IllegalArgumentException("not in " + this + ": " + first + "+" + blocks);
    }
    return new BlockRange(address + first, blocks);
  }

  /**
   * The same blocks, cut wherever a multiple of some number of blocks is reached on the volume.
   *
   * @param blocks a power of two: {@link VolumeLayout#GROUP_BLOCKS}, or how many a stored piece of
   *     a bitmap has
   */
  public List<BlockRange> cutAtEvery(int blocks) {
    if (Integer.bitCount(blocks) != 1 || blocks < 0) {
      throw new IllegalArgumentException("not a power of two: " + blocks);
    }
    List<BlockRange> parts = new ArrayList<>();
    for (int first = 0; first < count; ) {
      int room = blocks - (int) (address + first & blocks - 1);
      BlockRange part = part(first, Math.min(room, count - first));
      parts.add(part);
      first += part.count;
    }
    return parts;
  }

  /** By volume, then by place. */
  @Override
  public int compareTo(BlockRange other) {
    int byPlace = Long.compare(address, other.address);
    return byPlace != 0 ? byPlace : Integer.compare(count, other.count);
  }

  @Override
  public String toString() {
    return volume() + ":" + block() + "+" + count;
  }
}
