package io.curvefs.client.volume;

import io.curvefs.space.BlockRange;

/**
 * Neighbouring blocks of a file, and where they are.
 *
 * @param fileBlock number of the first in the file, 0 or more
 * @param count 1 or more
 * @param address of the first on its volume, the others behind it; {@link #HOLE}: they are nowhere,
 *     and read as zeros
 */
record Run(long fileBlock, int count, long address) {
  static final long HOLE = 0;

  Run {
    if (fileBlock < 0 || count <= 0) {
      throw new IllegalArgumentException("not blocks of a file: " + fileBlock + "+" + count);
    }
  }

  boolean isHole() {
    return address == HOLE;
  }

  long end() {
    return fileBlock + count;
  }

  /** The blocks on their volume; not of a hole. */
  BlockRange range() {
    return new BlockRange(address, count);
  }

  /** The part of it from one block of the file to another, which must be in it. */
  Run part(long from, long to) {
    return new Run(from, (int) (to - from), isHole() ? HOLE : address + (from - fileBlock));
  }

  /** Whether the other goes on where this ends, in the file and on the volume. */
  boolean isContinuedBy(Run other) {
    return other.fileBlock == end()
        && (isHole() ? other.isHole() : other.address == address + count);
  }
}
