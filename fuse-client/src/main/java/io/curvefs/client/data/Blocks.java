package io.curvefs.client.data;

import io.curvefs.cache.BlockId;
import io.curvefs.proto.Extent;
import io.curvefs.slice.Layout;
import io.curvefs.slice.Overlay;
import java.util.List;
import java.util.function.Consumer;

/** Which blocks hold the bytes of extents. */
final class Blocks {
  private Blocks() {}

  /** The block that has the byte at this place of the extent's slice. */
  static BlockId at(Extent extent, int sliceOffset) {
    int index = sliceOffset / Layout.BLOCK_BYTES;
    return new BlockId(
        extent.getSlice(), index, Layout.blockLength(extent.getSliceLength(), index));
  }

  /** Names the blocks that show in a range of a chunk, in order. */
  static void within(List<Extent> extents, int from, int to, Consumer<BlockId> each) {
    for (Extent piece : Overlay.of(extents).pieces(from, to)) {
      int sliceEnd = piece.getSliceOffset() + piece.getLength();
      int next = piece.getSliceOffset();
      while (next < sliceEnd) {
        each.accept(at(piece, next));
        next = (next / Layout.BLOCK_BYTES + 1) * Layout.BLOCK_BYTES;
      }
    }
  }
}
