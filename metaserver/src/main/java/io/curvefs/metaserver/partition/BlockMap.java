package io.curvefs.metaserver.partition;

import io.curvefs.proto.BlockExtent;
import io.curvefs.space.BlockRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The blocks that back a chunk: extents in the order of their places, none of which overlap. Pure.
 */
final class BlockMap {
  /** Blocks of a chunk, 64 MiB. */
  static final int CHUNK_BLOCKS = 16_384;

  private BlockMap() {}

  static long blocks(List<BlockExtent> extents) {
    return extents.stream().mapToLong(BlockExtent::getCount).sum();
  }

  /**
   * Whether there are blocks in all these places.
   *
   * @param places which do not overlap
   */
  static boolean covers(List<BlockExtent> extents, List<BlockExtent> places) {
    List<BlockRange> there = new ArrayList<>();
    List<BlockExtent> after = replaced(extents, places, there);
    return blocks(after) == blocks(extents);
  }

  /**
   * Puts extents in the place of what is there.
   *
   * @param added which do not overlap
   * @param dropped takes the blocks that were there
   */
  static List<BlockExtent> replaced(
      List<BlockExtent> before, List<BlockExtent> added, List<BlockRange> dropped) {
    List<BlockExtent> ordered =
        added.stream().sorted(Comparator.comparingInt(BlockExtent::getChunkBlock)).toList();
    List<BlockExtent> kept = outside(before, ordered, dropped);
    List<BlockExtent> after = new ArrayList<>(kept.size() + ordered.size());
    int next = 0;
    for (BlockExtent extent : kept) {
      while (next < ordered.size() && ordered.get(next).getChunkBlock() < extent.getChunkBlock()) {
        append(after, ordered.get(next++));
      }
      append(after, extent);
    }
    for (BlockExtent extent : ordered.subList(next, ordered.size())) {
      append(after, extent);
    }
    return after;
  }

  /** Makes a hole. */
  static List<BlockExtent> without(
      List<BlockExtent> before, int first, int count, List<BlockRange> dropped) {
    BlockExtent hole = BlockExtent.newBuilder().setChunkBlock(first).setCount(count).build();
    return outside(before, List.of(hole), dropped);
  }

  /** What is outside of some places, which are ordered and do not overlap. */
  private static List<BlockExtent> outside(
      List<BlockExtent> before, List<BlockExtent> places, List<BlockRange> dropped) {
    List<BlockExtent> kept = new ArrayList<>(before.size());
    int next = 0;
    for (BlockExtent extent : before) {
      int at = extent.getChunkBlock();
      int end = end(extent);
      while (at < end) {
        while (next < places.size() && end(places.get(next)) <= at) {
          next++;
        }
        int from = next == places.size() ? end : places.get(next).getChunkBlock();
        if (from > at) {
          int to = Math.min(from, end);
          kept.add(part(extent, at, to));
          at = to;
        } else {
          int to = Math.min(end(places.get(next)), end);
          dropped.add(BlockRanges.of(part(extent, at, to)));
          at = to;
        }
      }
    }
    return kept;
  }

  private static void append(List<BlockExtent> extents, BlockExtent added) {
    if (!extents.isEmpty()) {
      BlockExtent last = extents.get(extents.size() - 1);
      if (end(last) == added.getChunkBlock()
          && last.getAddress() + last.getCount() == added.getAddress()) {
        extents.set(
            extents.size() - 1,
            last.toBuilder().setCount(last.getCount() + added.getCount()).build());
        return;
      }
    }
    extents.add(added);
  }

  private static int end(BlockExtent extent) {
    return extent.getChunkBlock() + extent.getCount();
  }

  private static BlockExtent part(BlockExtent extent, int from, int to) {
    int skipped = from - extent.getChunkBlock();
    return BlockExtent.newBuilder()
        .setChunkBlock(from)
        .setCount(to - from)
        .setAddress(extent.getAddress() + skipped)
        .build();
  }
}
