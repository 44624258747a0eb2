package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;

/**
 * What is remembered of the uses of blocks, cached or not, to decide which are worth their room.
 * Time is counted in uses. Deterministic. Not thread-safe.
 *
 * <p>How often a block is used is estimated by a count-min sketch of saturating counters that are
 * halved now and then, as in TinyLFU (Einziger, Friedman, Manes, 2017). How long blocks may take to
 * be used again is learned from those that were: a training job that reads its set in a new random
 * order each epoch returns to each block after up to two epochs, and never sooner to those it has
 * just read.
 */
final class BlockUses {
  private static final int ROWS = 4;
  private static final int COUNT_MAX = 15;

  /** A newcomer must have been used more often than its victim by more than this. */
  private static final int COUNT_MARGIN = 1;

  /** The counters are halved after this many uses for each block that is cached. */
  private static final int USES_PER_BLOCK = 10;

  private static final int BLOCKS_MIN = 64;

  private final byte[] counts;
  private long now;
  private long usesUntilHalved = (long) USES_PER_BLOCK * BLOCKS_MIN;

  /** Longest time between two uses of a block: of this stretch of hits, and of the one before. */
  private long longest;

  private long longestBefore;
  private long hitsOfStretch;

  /**
   * @param blocksMax most blocks that may be cached; costs 4 to 8 bytes each
   */
  BlockUses(int blocksMax) {
    int sketched = Math.max(BLOCKS_MIN, Math.min(blocksMax, 1 << 24));
    counts = new byte[Integer.highestOneBit(sketched * ROWS - 1) << 1];
  }

  /** The time: uses so far. */
  long now() {
    return now;
  }

  /**
   * Notes a use.
   *
   * @param blocks that are cached now
   */
  void count(BlockId id, int blocks) {
    now++;
    int count = countOf(id);
    for (int row = 0; row < ROWS && count < COUNT_MAX; row++) {
      int at = place(id, row);
      if (counts[at] == count) {
        counts[at]++;
      }
    }
    if (--usesUntilHalved <= 0) {
      for (int i = 0; i < counts.length; i++) {
        counts[i] >>= 1;
      }
      usesUntilHalved = (long) USES_PER_BLOCK / 2 * Math.max(BLOCKS_MIN, blocks);
    }
  }

  /**
   * Notes that a cached block was used again.
   *
   * @param after uses since its last one
   * @param blocks that are cached now
   */
  void returned(long after, int blocks) {
    longest = Math.max(longest, after);
    if (++hitsOfStretch >= Math.max(BLOCKS_MIN, blocks) / 8) {
      longestBefore = longest;
      longest = 0;
      hitsOfStretch = 0;
    }
  }

  /** Whether a block that was last used then has been waiting longer than blocks usually do. */
  boolean isOverdue(long lastUse) {
    long usual = Math.max(longest, longestBefore);
    return now - lastUse > usual + usual / 2;
  }

  /** Whether a block is used clearly more often than another one. */
  boolean isUsedMore(BlockId id, BlockId other) {
    return countOf(id) > countOf(other) + COUNT_MARGIN;
  }

  /** Whether a use of the block is remembered. */
  boolean isKnown(BlockId id) {
    return countOf(id) > 0;
  }

  private int countOf(BlockId id) {
    int least = COUNT_MAX;
    for (int row = 0; row < ROWS; row++) {
      least = Math.min(least, counts[place(id, row)]);
    }
    return least;
  }

  private int place(BlockId id, int row) {
    long bits =
        (id.slice() * 0x9e3779b97f4a7c15L + id.index() + 1) * (2L * row + 0xd1342543de82ef95L);
    bits = (bits ^ (bits >>> 32)) * 0xbf58476d1ce4e5b9L;
    return (int) (bits >>> 32) & (counts.length - 1);
  }
}
