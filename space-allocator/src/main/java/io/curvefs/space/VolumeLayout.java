package io.curvefs.space;

/**
 * How the bytes of a device are cut: a header area, then block groups of 128 MiB, the last of which
 * may be shorter, and grows when the device does. All of it is for ever: it says where stored data
 * lies.
 */
public final class VolumeLayout {
  /** The unit in which space is given out. */
  public static final int BLOCK_BYTES = 4096;

  /** What lies before block 0, and belongs to no group. */
  public static final int HEADER_BYTES = 1 << 20;

  /** Blocks of a whole group. */
  public static final int GROUP_BLOCKS = 1 << 15;

  /** Blocks of the largest volume (almost 256 PiB): the number of groups is an int. */
  public static final long BLOCKS_MAX = (long) Integer.MAX_VALUE * GROUP_BLOCKS;

  private VolumeLayout() {}

  /**
   * Whole blocks on a device behind its header area; what is left over at its end is not used.
   *
   * @param deviceBytes size of the device, 0 or more
   * @return 0 to {@link #BLOCKS_MAX}; what lies beyond is not used either
   */
  public static long blocks(long deviceBytes) {
    return Math.min(BLOCKS_MAX, Math.max(0, deviceBytes - HEADER_BYTES) / BLOCK_BYTES);
  }

  /** Groups on a device, the last and perhaps shorter one included. */
  public static int groups(long deviceBytes) {
    return (int) ((blocks(deviceBytes) + GROUP_BLOCKS - 1) / GROUP_BLOCKS);
  }

  /**
   * Blocks of one group on a device.
   *
   * @param index of the group, less than {@link #groups}
   * @return 1 to {@link #GROUP_BLOCKS}
   */
  public static int groupBlocks(long deviceBytes, int index) {
    if (index < 0 || index >= groups(deviceBytes)) {
      throw new IllegalArgumentException(
          "no block group " + index + " on a device of " + deviceBytes + " bytes");
    }
    return (int) Math.min(GROUP_BLOCKS, blocks(deviceBytes) - (long) index * GROUP_BLOCKS);
  }
}
