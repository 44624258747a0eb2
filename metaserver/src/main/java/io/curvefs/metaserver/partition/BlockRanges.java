package io.curvefs.metaserver.partition;

import io.curvefs.proto.BlockExtent;
import io.curvefs.space.BlockRange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Ranges of blocks as messages and rows have them, and as values. */
public final class BlockRanges {
  private BlockRanges() {}

  /**
   * @throws IllegalArgumentException when no volume has such blocks
   */
  public static BlockRange of(io.curvefs.proto.BlockRange range) {
    return new BlockRange(range.getAddress(), range.getCount());
  }

  /** The blocks of an extent; see {@link #of(io.curvefs.proto.BlockRange)}. */
  public static BlockRange of(BlockExtent extent) {
    return new BlockRange(extent.getAddress(), extent.getCount());
  }

  /** See {@link #of(io.curvefs.proto.BlockRange)}. */
  public static List<BlockRange> of(List<io.curvefs.proto.BlockRange> ranges) {
    return ranges.stream().map(BlockRanges::of).toList();
  }

  /** As a message. */
  public static io.curvefs.proto.BlockRange message(BlockRange range) {
    return io.curvefs.proto.BlockRange.newBuilder()
        .setAddress(range.address())
        .setCount(range.count())
        .build();
  }

  /** The same blocks in their order, in as few ranges as possible. None may be in two of them. */
  static List<BlockRange> merged(Collection<BlockRange> ranges) {
    List<BlockRange> merged = new ArrayList<>();
    for (BlockRange range : ranges.stream().sorted().toList()) {
      BlockRange last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last != null && last.isFollowedBy(range) && last.volume().equals(range.volume())) {
        merged.set(merged.size() - 1, new BlockRange(last.address(), last.count() + range.count()));
      } else {
        merged.add(range);
      }
    }
    return merged;
  }

  /** Whether some block is in two of the ranges. */
  public static boolean overlap(Collection<BlockRange> ranges) {
    BlockRange last = null;
    for (BlockRange range : ranges.stream().sorted().toList()) {
      if (last != null && last.overlaps(range)) {
        return true;
      }
      last = range;
    }
    return false;
  }
}
