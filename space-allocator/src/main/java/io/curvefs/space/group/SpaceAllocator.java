package io.curvefs.space.group;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.bitmap.Bitmap;
import java.util.ArrayList;
import java.util.List;

/**
 * Gives out the free blocks of a changing set of block groups, so that files get few and long
 * ranges also after years of use.
 *
 * <ul>
 *   <li>A file that grows goes on right behind its last range, as far as that is free, else in the
 *       same group, else elsewhere.
 *   <li>Small requests are served from the first group up, large ones from the last down, so that
 *       small files do not cut up what large ones need, and fill the holes between themselves.
 *   <li>A large file that will grow further begins where the longest run is, so that it can: with
 *       several such files at once each has a run to itself.
 *   <li>When no run is long enough, the longest come first: no choice needs fewer.
 * </ul>
 *
 * <p>It does not move on through the volume with each request (next fit). That spoils one long run
 * after the other: docs/decisions.md has the figures.
 *
 * <p>Pure: the same calls give the same answers. What it says is known to nobody else: it is made
 * anew from stored bitmaps, and is right for as long as it hears of every change. Not thread-safe.
 */
public final class SpaceAllocator {
  /** The largest small request; from 1 MiB on they are large. */
  public static final int SMALL_BLOCKS_MAX = 255;

  /** A run in its own group suits a growing file when it holds so many more of the same request. */
  private static final int ROOM_TO_GROW = 4;

  private final GroupTable groups = new GroupTable();

  /**
   * Adds a group, open.
   *
   * @param used whose bits are the blocks in use, as many as the group has blocks. Belongs to the
   *     allocator from now on
   * @throws IllegalArgumentException if the group is here already
   */
  public void add(BlockGroupId id, Bitmap used) {
    groups.add(id, used);
  }

  /**
   * Removes a group if all of its blocks are free.
   *
   * @return whether it was removed
   * @throws IllegalArgumentException if the group is not here
   */
  public boolean remove(BlockGroupId id) {
    int place = groups.placeOf(id);
    if (groups.at(place).free() < groups.at(place).blocks()) {
      return false;
    }
    groups.remove(place);
    return true;
  }

  /**
   * Forgets a group, whatever of it is in use or free.
   *
   * @throws IllegalArgumentException if the group is not here
   */
  public void drop(BlockGroupId id) {
    groups.remove(groups.placeOf(id));
  }

  /**
   * Adds free blocks at the end of a group, because its volume has grown.
   *
   * @param blocks its new length, not less than it was
   * @throws IllegalArgumentException if the group is not here, or cannot be so long
   */
  public void grow(BlockGroupId id, int blocks) {
    groups.grow(groups.placeOf(id), blocks);
  }

  /**
   * Closes a group, so that it gives no space but takes back what is released, and can be emptied;
   * or opens it again.
   *
   * @throws IllegalArgumentException if the group is not here
   */
  public void setClosed(BlockGroupId id, boolean closed) {
    groups.setClosed(groups.placeOf(id), closed);
  }

  /**
   * Takes free blocks. All or nothing: the ranges hold exactly what was asked for, or there are
   * none, and nothing has changed, because fewer blocks are free in open groups. Only when {@link
   * SpaceRequest#rangesMax} is reached they hold less. Then what is free right behind the file
   * counts as one of them, unless there may be one only, and the others are the longest.
   *
   * @return the ranges in the order in which the file should use them, each within one group, none
   *     right behind another in the same group; empty if there is not enough space
   */
  public List<BlockRange> allocate(SpaceRequest request) {
    int left = request.blocks();
    if (left > groups.freeOpen()) {
      return List.of();
    }
    List<BlockRange> ranges = new ArrayList<>(2);
    left -= nearFile(request, ranges);
    while (left > 0 && ranges.size() < request.rangesMax()) {
      left -= anywhere(left, request.growing() && ranges.isEmpty(), ranges);
    }
    return ranges;
  }

  /** What is free behind the file, and the rest if it fits into the same group. */
  private int nearFile(SpaceRequest request, List<BlockRange> ranges) {
    BlockRange behind = request.behind();
    if (behind == null) {
      return 0;
    }
    BlockRange last = behind.part(behind.count() - 1, 1);
    int place = groups.placeOf(last);
    if (place == GroupTable.NONE || groups.at(place).isClosed()) {
      return 0;
    }
    BlockGroup group = groups.at(place);
    int blocks = request.blocks();
    int next = Math.min(last.firstInGroup() + 1, group.blocks());
    int here = group.freeFrom(next, blocks);
    if (here == blocks || (here > 0 && request.rangesMax() > 1)) {
      take(place, next, here, ranges);
    } else {
      here = 0;
    }
    int left = blocks - here;
    if (left == 0 || ranges.size() == request.rangesMax()) {
      return here;
    }
    int near =
        isLarge(left) && request.growing()
            ? findRoomToGrow(group, left)
            : group.findNear(next, left);
    groups.noteRuns(place);
    return near == BlockGroup.NONE ? here : here + take(place, near, left, ranges);
  }

  private static int findRoomToGrow(BlockGroup group, int blocks) {
    int longest = group.longest();
    return longest >= (long) ROOM_TO_GROW * blocks ? group.find(longest) : BlockGroup.NONE;
  }

  /** One range, as long as is left if any run is. */
  private int anywhere(int left, boolean growing, List<BlockRange> ranges) {
    int place = GroupTable.NONE;
    int run = left;
    if (!isLarge(left)) {
      place = groups.first(run);
    } else if (!growing) {
      place = groups.last(run);
    }
    if (place == GroupTable.NONE) {
      run = groups.longest();
      place = groups.last(run);
    }
    return take(place, groups.at(place).find(run), Math.min(left, run), ranges);
  }

  private int take(int place, int first, int count, List<BlockRange> ranges) {
    groups.take(place, first, count);
    ranges.add(groups.at(place).id().range(first, count));
    return count;
  }

  private static boolean isLarge(int blocks) {
    return blocks > SMALL_BLOCKS_MAX;
  }

  /**
   * Takes certain blocks, because a log that is older than this allocator says so.
   *
   * @return whether all of them were free; else nothing has changed
   * @throws IllegalArgumentException if a group of theirs is not here
   */
  public boolean take(BlockRange range) {
    List<BlockRange> parts = parts(range);
    for (BlockRange part : parts) {
      BlockGroup group = groups.at(groups.placeOf(part.group()));
      if (group.freeFrom(part.firstInGroup(), part.count()) < part.count()) {
        return false;
      }
    }
    for (BlockRange part : parts) {
      groups.take(groups.placeOf(part.group()), part.firstInGroup(), part.count());
    }
    return true;
  }

  /**
   * Gives blocks back, also to closed groups.
   *
   * @return whether all of them were in use; else nothing has changed, and somebody has freed
   *     blocks twice
   * @throws IllegalArgumentException if a group of theirs is not here
   */
  public boolean release(BlockRange range) {
    List<BlockRange> parts = parts(range);
    for (BlockRange part : parts) {
      BlockGroup group = groups.at(groups.placeOf(part.group()));
      if (!group.isInUse(part.firstInGroup(), part.count())) {
        return false;
      }
    }
    for (BlockRange part : parts) {
      groups.release(groups.placeOf(part.group()), part.firstInGroup(), part.count());
    }
    return true;
  }

  /** The parts of a range in each of its groups, all of which are here and long enough. */
  private List<BlockRange> parts(BlockRange range) {
    List<BlockRange> parts = range.cutAtEvery(VolumeLayout.GROUP_BLOCKS);
    for (BlockRange part : parts) {
      int blocks = groups.at(groups.placeOf(part.group())).blocks();
      if (part.firstInGroup() + part.count() > blocks) {
        throw new IllegalArgumentException(
            part + " is not in block group " + part.group() + ", which has " + blocks + " blocks");
      }
    }
    return parts;
  }

  /** How many blocks {@link #allocate} can give: those that are free in open groups. */
  public long free() {
    return groups.freeOpen();
  }

  /** How many blocks are free in closed groups. */
  public long freeInClosed() {
    return groups.freeClosed();
  }

  /** The length of the longest range that {@link #allocate} can give now, 0 if nothing is free. */
  public int longestFree() {
    return groups.longest();
  }

  /** What is known of a group that must be here. */
  public GroupUsage usage(BlockGroupId id) {
    return usage(groups.placeOf(id));
  }

  /** All groups, by volume and index. {@link GroupUsage#isEmpty} tells those to be given back. */
  public List<GroupUsage> usages() {
    List<GroupUsage> all = new ArrayList<>(groups.size());
    for (int place = 0; place < groups.size(); place++) {
      all.add(usage(place));
    }
    return all;
  }

  private GroupUsage usage(int place) {
    BlockGroup group = groups.at(place);
    return new GroupUsage(group.id(), group.blocks(), group.free(), group.isClosed());
  }

  /** Compares all that is counted and bounded with the bits; for tests. */
  void verify() {
    long[] free = new long[2];
    for (int place = 0; place < groups.size(); place++) {
      groups.at(place).verify();
      free[groups.at(place).isClosed() ? 1 : 0] += groups.at(place).free();
    }
    if (free[0] != groups.freeOpen() || free[1] != groups.freeClosed()) {
      throw new AssertionError("counted free: " + groups.freeOpen() + ", " + groups.freeClosed());
    }
  }
}
