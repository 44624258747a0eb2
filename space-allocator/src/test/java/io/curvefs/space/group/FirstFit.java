package io.curvefs.space.group;

import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeNumber;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** What {@link SpaceAllocator} is measured against: the first free run that is long enough. */
final class FirstFit {
  private static final VolumeNumber VOLUME = new VolumeNumber(1);

  private final BitSet used = new BitSet();
  private final int blocks;
  private int free;

  /** Begins where the last request ended (next fit), or always at the begin. */
  private final boolean next;

  private int cursor;

  FirstFit(int blocks, boolean next) {
    this.blocks = blocks;
    this.next = next;
    free = blocks;
  }

  int free() {
    return free;
  }

  /** Goes on behind the file as far as that is free, as {@link SpaceAllocator} does. */
  List<BlockRange> allocate(SpaceRequest request) {
    int left = request.blocks();
    if (left > free) {
      return List.of();
    }
    List<BlockRange> ranges = new ArrayList<>();
    BlockRange behind = request.behind();
    if (behind != null && behind.end() < blocks) {
      left -= take((int) behind.end(), left, ranges);
    }
    int first = left == 0 ? -1 : find(next ? cursor : 0, left);
    if (first < 0 && left > 0 && next) {
      first = find(0, left);
    }
    if (first >= 0) {
      left -= take(first, left, ranges);
    }
    for (int at = 0; left > 0; ) {
      at = used.nextClearBit(at);
      left -= take(at, left, ranges);
    }
    return ranges;
  }

  private int find(int from, int count) {
    for (int at = used.nextClearBit(from); at + count <= blocks; ) {
      int end = used.nextSetBit(at);
      if (end < 0 || end - at >= count) {
        return at;
      }
      at = used.nextClearBit(end);
    }
    return -1;
  }

  /** Takes what is free from a block on, up to a number. */
  private int take(int first, int max, List<BlockRange> ranges) {
    int end = used.nextSetBit(first);
    int count = Math.min(max, (end < 0 ? blocks : end) - first);
    if (count > 0) {
      used.set(first, first + count);
      free -= count;
      cursor = first + count;
      ranges.add(BlockRange.of(VOLUME, first, count));
    }
    return count;
  }

  void release(BlockRange range) {
    used.clear((int) range.block(), (int) range.end());
    free += range.count();
  }
}
