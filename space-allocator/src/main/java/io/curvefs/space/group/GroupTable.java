package io.curvefs.space.group;

import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.bitmap.Bitmap;
import java.util.Arrays;

/**
 * Block groups in the order of their addresses, what is free in all of them, and which of them may
 * have long free runs. A group is known by its place, until one is added or removed. Not
 * thread-safe.
 */
final class GroupTable {
  /** No such place. */
  static final int NONE = -1;

  /** Addresses of the groups' first blocks, ascending. */
  private long[] addresses = {};

  /** In the same order. */
  private BlockGroup[] groups = {};

  /** Of each open group, the bound of its free runs; 0 of a closed one. */
  private RunIndex runs = new RunIndex(0);

  /** Whether places have moved since {@link #runs} was made; groups come by the thousand. */
  private boolean runsStale;

  private long freeOpen;
  private long freeClosed;

  int size() {
    return groups.length;
  }

  BlockGroup at(int place) {
    return groups[place];
  }

  /** The place of the group that a range begins in, or {@link #NONE}. */
  int placeOf(BlockRange range) {
    int place = search(range.address() & -VolumeLayout.GROUP_BLOCKS);
    return place >= 0 ? place : NONE;
  }

  /** The place of a group that must be here. */
  int placeOf(BlockGroupId id) {
    int place = search(id.range(0, 1).address());
    if (place < 0) {
      throw new IllegalArgumentException("block group " + id + " is not here");
    }
    return place;
  }

  private int search(long address) {
    return Arrays.binarySearch(addresses, address);
  }

  void add(BlockGroupId id, Bitmap used) {
    long address = id.range(0, 1).address();
    int found = search(address);
    if (found >= 0) {
      throw new IllegalArgumentException("block group " + id + " is here already");
    }
    BlockGroup group = new BlockGroup(id, used);
    int place = -found - 1;
    int behind = groups.length - place;
    addresses = Arrays.copyOf(addresses, addresses.length + 1);
    System.arraycopy(addresses, place, addresses, place + 1, behind);
    addresses[place] = address;
    groups = Arrays.copyOf(groups, addresses.length);
    System.arraycopy(groups, place, groups, place + 1, behind);
    groups[place] = group;
    freeOpen += group.free();
    runsStale = true;
  }

  void remove(int place) {
    countFree(place, -groups[place].free());
    int behind = groups.length - place - 1;
    System.arraycopy(addresses, place + 1, addresses, place, behind);
    addresses = Arrays.copyOf(addresses, addresses.length - 1);
    System.arraycopy(groups, place + 1, groups, place, behind);
    groups = Arrays.copyOf(groups, addresses.length);
    runsStale = true;
  }

  void setClosed(int place, boolean closed) {
    BlockGroup group = groups[place];
    countFree(place, -group.free());
    group.setClosed(closed);
    countFree(place, group.free());
    noteRuns(place);
  }

  void take(int place, int first, int count) {
    groups[place].take(first, count);
    countFree(place, -count);
    noteRuns(place);
  }

  void release(int place, int first, int count) {
    groups[place].release(first, count);
    countFree(place, count);
    noteRuns(place);
  }

  void grow(int place, int blocks) {
    int before = groups[place].blocks();
    groups[place].grow(blocks);
    countFree(place, blocks - before);
    noteRuns(place);
  }

  /** Free blocks of open groups. */
  long freeOpen() {
    return freeOpen;
  }

  /** Free blocks of closed groups. */
  long freeClosed() {
    return freeClosed;
  }

  private void countFree(int place, int more) {
    if (groups[place].isClosed()) {
      freeClosed += more;
    } else {
      freeOpen += more;
    }
  }

  /** The first open group with a free run of so many blocks, or {@link #NONE}. */
  int first(int blocks) {
    return find(blocks, true);
  }

  /** The last open group with a free run of so many blocks, or {@link #NONE}. */
  int last(int blocks) {
    return find(blocks, false);
  }

  private int find(int blocks, boolean first) {
    while (true) {
      int place = first ? runs().first(blocks) : runs().last(blocks);
      if (place == RunIndex.NONE) {
        return NONE;
      }
      if (groups[place].find(blocks) != BlockGroup.NONE) {
        return place;
      }
      noteRuns(place); // the bound was too large, and has become smaller
    }
  }

  /** The length of the longest free run of open groups. */
  int longest() {
    while (true) {
      int bound = runs().max();
      if (bound == 0 || last(bound) != NONE) {
        return bound;
      }
    }
  }

  /** Notes what a search within a group may have found out. */
  void noteRuns(int place) {
    if (!runsStale) {
      runs.set(place, groups[place].isClosed() ? 0 : groups[place].longestMax());
    }
  }

  private RunIndex runs() {
    if (runsStale) {
      runs = new RunIndex(groups.length);
      runsStale = false;
      for (int place = 0; place < groups.length; place++) {
        noteRuns(place);
      }
    }
    return runs;
  }
}
