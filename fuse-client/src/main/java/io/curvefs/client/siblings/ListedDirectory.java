package io.curvefs.client.siblings;

import java.util.Arrays;

/** The order of a directory's files, as it was listed. Not thread-safe. */
final class ListedDirectory {
  private static final int SIZE_MIN = 64;

  /** Inodes by their place; 0: not a file. */
  private long[] inodes = new long[SIZE_MIN];

  private int size;

  /** Places by hash of the inode, plus one; 0: free. Twice as many as {@link #inodes}. */
  private int[] table = new int[2 * SIZE_MIN];

  int size() {
    return size;
  }

  /** The inode at a place below {@link #size}; 0: not a file. */
  long at(int place) {
    return inodes[place];
  }

  /** Where the inode was listed, or -1. */
  int placeOf(long inode) {
    for (int slot = slotOf(inode); table[slot] != 0; slot = next(slot)) {
      if (inodes[table[slot] - 1] == inode) {
        return table[slot] - 1;
      }
    }
    return -1;
  }

  boolean hasAt(int place, long[] listed) {
    return place + listed.length <= size
        && Arrays.equals(inodes, place, place + listed.length, listed, 0, listed.length);
  }

  void append(long[] listed) {
    if (size + listed.length > inodes.length) {
      int room = Math.max(2 * inodes.length, Integer.highestOneBit(size + listed.length) * 2);
      inodes = Arrays.copyOf(inodes, room);
      table = new int[2 * room];
      for (int place = 0; place < size; place++) {
        index(place);
      }
    }
    for (long inode : listed) {
      inodes[size] = inode;
      index(size++);
    }
  }

  /** Forgets everything from a place on. */
  void truncate(int place) {
    size = place;
    Arrays.fill(table, 0);
    for (int i = 0; i < size; i++) {
      index(i);
    }
  }

  private void index(int place) {
    long inode = inodes[place];
    if (inode == 0) {
      return;
    }
    int slot = slotOf(inode);
    while (table[slot] != 0) {
      slot = next(slot);
    }
    table[slot] = place + 1;
  }

  private int slotOf(long inode) {
    long mixed = inode * 0x9E3779B97F4A7C15L; // neighbours apart
    return (int) (mixed >>> 32) & (table.length - 1);
  }

  private int next(int slot) {
    return (slot + 1) & (table.length - 1);
  }
}
