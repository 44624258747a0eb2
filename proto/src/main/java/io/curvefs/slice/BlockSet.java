package io.curvefs.slice;

import io.curvefs.proto.Extent;
import io.curvefs.proto.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The objects that extents refer to. A slice lies within one chunk, so its blocks fit a mask of 16
 * bits. Not thread-safe.
 */
public final class BlockSet {
  /** Blocks of a slice that is as long as a chunk. */
  private static final int BLOCKS_MAX = Layout.CHUNK_BYTES / Layout.BLOCK_BYTES;

  /** By slice, in order, so that the same set is always told alike. */
  private final TreeMap<Long, Blocks> slices = new TreeMap<>();

  /**
   * Some blocks of one slice.
   *
   * @param length of the slice in bytes; names the last block
   */
  private record Blocks(int length, int mask) {}

  public static BlockSet of(Iterable<Extent> extents) {
    BlockSet set = new BlockSet();
    extents.forEach((Extent extent) -> set.add(extent));
    return set;
  }

  /** Adds what the extent refers to; a hole refers to nothing. */
  public void add(Extent extent) {
    if (extent.getSlice() != 0) {
      int first = extent.getSliceOffset() / Layout.BLOCK_BYTES;
      int last = (extent.getSliceOffset() + extent.getLength() - 1) / Layout.BLOCK_BYTES;
      add(extent.getSlice(), extent.getSliceLength(), (2 << last) - (1 << first));
    }
  }

  /** Adds what {@link #toSlices} told. */
  public void add(Slice slice) {
    add(slice.getId(), slice.getLength(), slice.getBlocks());
  }

  private void add(long slice, int length, int mask) {
    slices.merge(
        slice,
        new Blocks(length, mask),
        (a, b) -> new Blocks(Math.max(a.length, b.length), a.mask | b.mask));
  }

  public void addAll(BlockSet more) {
    more.slices.forEach((slice, blocks) -> add(slice, blocks.length, blocks.mask));
  }

  public void removeAll(BlockSet fewer) {
    fewer.slices.forEach(
        (slice, blocks) ->
            slices.computeIfPresent(
                slice,
                (id, mine) -> {
                  int left = mine.mask & ~blocks.mask;
                  return left == 0 ? null : new Blocks(mine.length, left);
                }));
  }

  public boolean isEmpty() {
    return slices.isEmpty();
  }

  public List<Slice> toSlices() {
    List<Slice> all = new ArrayList<>();
    slices.forEach(
        (slice, blocks) ->
            all.add(
                Slice.newBuilder()
                    .setId(slice)
                    .setLength(blocks.length)
                    .setBlocks(blocks.mask)
                    .build()));
    return all;
  }

  /** One object. */
  @FunctionalInterface
  public interface BlockConsumer {
    /**
     * @param length of the block in bytes
     */
    void accept(long slice, int block, int length);
  }

  public void forEach(BlockConsumer consumer) {
    slices.forEach(
        (slice, blocks) -> {
          for (int block = 0; block < BLOCKS_MAX; block++) {
            if ((blocks.mask & 1 << block) != 0) {
              consumer.accept(slice, block, Layout.blockLength(blocks.length, block));
            }
          }
        });
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BlockSet that && slices.equals(that.slices);
  }

  @Override
  public int hashCode() {
    return slices.hashCode();
  }

  @Override
  public String toString() {
    return slices.toString();
  }
}
