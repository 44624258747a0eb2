package io.curvefs.space.group;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.bitmap.Bitmap;

/**
 * One block group: which of its blocks are in use, and where long free runs may be.
 *
 * <p>For each segment of the bitmap it keeps a bound of the free runs that <em>begin</em> there, so
 * that a search passes over segments without looking. Taking blocks may leave a bound too large;
 * the search that is misled by it corrects it. So a bound is never paid for until it matters, and
 * then once. Not thread-safe.
 */
final class BlockGroup {
  /** What {@link #find} returns when there is no such run. */
  static final int NONE = -1;

  private final BlockGroupId id;
  private Bitmap used;
  private int free;

  /** By segment. Invariant: no free run that begins in the segment is longer. */
  private int[] runsMax;

  /** Greatest of {@link #runsMax}. */
  private int longestMax;

  /** A closed group gives no space, but takes back what is released. */
  private boolean closed;

  /**
   * @param used whose bits are the blocks in use; it is owned by the group from now on
   */
  BlockGroup(BlockGroupId id, Bitmap used) {
    this.id = id;
    this.used = used;
    free = used.length() - used.count();
    forgetRuns();
  }

  BlockGroupId id() {
    return id;
  }

  int blocks() {
    return used.length();
  }

  int free() {
    return free;
  }

  boolean isClosed() {
    return closed;
  }

  void setClosed(boolean closed) {
    this.closed = closed;
  }

  /** No free run is longer. May be too large, until {@link #find} has failed. */
  int longestMax() {
    return Math.min(longestMax, free);
  }

  /** The length of the longest free run. */
  int longest() {
    while (longestMax() > 0 && find(longestMax()) == NONE) {
      // The failure has made the bound smaller.
    }
    return longestMax();
  }

  /** How many blocks are free from one on, up to a number. */
  int freeFrom(int first, int blocksMax) {
    return used.nextSet(first, first + Math.min(blocksMax, blocks() - first)) - first;
  }

  /** The first free run of so many blocks; its first block, or {@link #NONE}. */
  int find(int blocks) {
    if (blocks > longestMax()) {
      return NONE;
    }
    for (int segment = 0; segment < runsMax.length; segment++) {
      int found = findIn(segment, segment * Bitmap.SEGMENT_BITS, blocks);
      if (found != NONE) {
        return found;
      }
    }
    updateLongestMax();
    if (longestMax() >= blocks) {
      // Whoever relies on a bound looks again after each failure, and would do so for ever.
      throw new IllegalStateException(id + " does not know its free runs: " + used);
    }
    return NONE;
  }

  /**
   * The first free run of so many blocks that begins at a block or behind it, or else the first in
   * the group.
   */
  int findNear(int first, int blocks) {
    if (blocks > longestMax()) {
      return NONE;
    }
    if (freeFrom(first, blocks) == blocks) {
      return first;
    }
    int from = used.nextSet(first, blocks());
    for (int segment = segmentOf(from); segment < runsMax.length; segment++) {
      int found = findIn(segment, Math.max(from, segment * Bitmap.SEGMENT_BITS), blocks);
      if (found != NONE) {
        return found;
      }
    }
    return find(blocks);
  }

  /** Looks through the runs that begin in a segment; after all of them the bound is exact. */
  private int findIn(int segment, int from, int blocks) {
    if (runsMax[segment] < blocks) {
      return NONE;
    }
    int segmentBegin = segment * Bitmap.SEGMENT_BITS;
    int segmentEnd = Math.min(blocks(), segmentBegin + Bitmap.SEGMENT_BITS);
    boolean all = from == segmentBegin;
    if (all && from > 0 && !used.isSet(from - 1)) {
      from = used.nextSet(from, segmentEnd); // that run began in an earlier segment
    }
    int longest = 0;
    int begin = used.nextClear(from, segmentEnd);
    while (begin < segmentEnd) {
      int end = used.nextSet(begin, Math.min(blocks(), begin + blocks));
      if (end - begin >= blocks) {
        return begin;
      }
      longest = Math.max(longest, end - begin);
      begin = end < segmentEnd ? used.nextClear(end, segmentEnd) : segmentEnd;
    }
    if (all) {
      runsMax[segment] = longest;
    }
    return NONE;
  }

  /**
   * Takes free blocks.
   *
   * @throws IllegalStateException and nothing is changed, if one is in use
   */
  void take(int first, int count) {
    int taken = used.set(first, count);
    if (taken != Bitmap.DONE) {
      throw new IllegalStateException(id + " block " + taken + " is in use already");
    }
    free -= count;
    int rest = first + count;
    if (rest < blocks() && runsMax[segmentOf(rest)] < blocks() - rest) {
      // The rest of the run begins here now, perhaps in a segment where none did.
      raise(rest, used.nextSet(rest, blocks()) - rest);
    }
  }

  /**
   * Gives blocks back.
   *
   * @throws IllegalStateException and nothing is changed, if one is free
   */
  void release(int first, int count) {
    int clear = used.clear(first, count);
    if (clear != Bitmap.DONE) {
      throw new IllegalStateException(id + " block " + clear + " is free already");
    }
    free += count;
    int begin = used.clearRunBegin(first);
    raise(begin, used.nextSet(first + count, blocks()) - begin);
  }

  /** Adds free blocks at the end. */
  void grow(int blocks) {
    int before = blocks();
    used = used.grownTo(blocks);
    free += blocks - before;
    forgetRuns();
  }

  private void raise(int begin, int run) {
    int segment = segmentOf(begin);
    runsMax[segment] = Math.max(runsMax[segment], run);
    longestMax = Math.max(longestMax, run);
  }

  /** Bounds that hold whatever is in use. */
  private void forgetRuns() {
    runsMax = new int[used.segments()];
    for (int segment = 0; segment < runsMax.length; segment++) {
      runsMax[segment] = blocks() - segment * Bitmap.SEGMENT_BITS;
    }
    longestMax = blocks();
  }

  private void updateLongestMax() {
    int longest = 0;
    for (int bound : runsMax) {
      longest = Math.max(longest, bound);
    }
    longestMax = longest;
  }

  /** Also of the end of a group, which may be no block of it. */
  private static int segmentOf(int block) {
    return block / Bitmap.SEGMENT_BITS;
  }

  boolean isInUse(int first, int count) {
    return used.nextClear(first, first + count) == first + count;
  }

  /** Compares counts and bounds with the bits. */
  void verify() {
    if (free != used.length() - used.count()) {
      throw new AssertionError(id + " counts " + free + " as free: " + used);
    }
    for (int begin = used.nextClear(0, blocks()); begin < blocks(); ) {
      int end = used.nextSet(begin, blocks());
      if (end - begin > runsMax[segmentOf(begin)] || end - begin > longestMax()) {
        throw new AssertionError(id + " does not know of " + (end - begin) + " at " + begin);
      }
      begin = used.nextClear(end, blocks());
    }
  }
}
