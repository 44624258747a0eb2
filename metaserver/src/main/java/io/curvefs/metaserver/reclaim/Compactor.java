package io.curvefs.metaserver.reclaim;

import io.curvefs.id.SliceId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.ReplaceExtents;
import io.curvefs.proto.ReserveSlice;
import io.curvefs.slice.BlockSet;
import io.curvefs.slice.Layout;
import io.curvefs.slice.Overlay;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets go of what is hidden in a chunk. One with many extents is written anew as one slice; in one
 * with few, extents that hide whole objects of others are cut to what is visible, which copies
 * nothing. Extents that were added meanwhile stay on top. One thread.
 */
final class Compactor {
  /** A chunk with fewer extents is not written anew. */
  static final int EXTENTS_MIN = 32;

  private static final Logger log = LoggerFactory.getLogger(Compactor.class);

  private final ObjectStores stores;

  /** One block on its way from old objects to a new one. */
  private final ByteBuffer block = ByteBuffer.allocateDirect(Layout.BLOCK_BYTES);

  Compactor(ObjectStores stores) {
    this.stores = stores;
  }

  void compact(
      DataGroup group,
      Leadership leadership,
      FileSystem fileSystem,
      Leadership.TouchedChunk touched)
      throws IOException {
    Chunk chunk =
        new Namespace(group.rows(), fileSystem.getId()).chunk(touched.inode(), touched.index());
    if (chunk == null) {
      return;
    }
    List<Extent> visible = Overlay.of(chunk.getExtentsList()).flattened();
    if (chunk.getExtentsCount() >= EXTENTS_MIN) {
      replace(
          group,
          leadership,
          fileSystem,
          touched,
          chunk,
          rewritten(group, leadership, fileSystem, visible));
    } else if (!BlockSet.of(visible).equals(BlockSet.of(chunk.getExtentsList()))) {
      replace(group, leadership, fileSystem, touched, chunk, visible);
    }
  }

  /** What is visible, in a slice of its own. */
  private List<Extent> rewritten(
      DataGroup group, Leadership leadership, FileSystem fileSystem, List<Extent> visible)
      throws IOException {
    int length = visible.stream().mapToInt(Extent::getLength).sum();
    if (length == 0) {
      return List.of();
    }
    long reserved =
        Proposals.propose(
                group,
                leadership,
                LogEntry.newBuilder().setReserveSlice(ReserveSlice.getDefaultInstance()))
            .getNumber();
    SliceId slice = SliceId.of(group.id(), reserved);
    copy(stores.of(fileSystem), fileSystem.getUuid(), visible, slice, length);
    return placed(visible, slice, length);
  }

  private static void replace(
      DataGroup group,
      Leadership leadership,
      FileSystem fileSystem,
      Leadership.TouchedChunk touched,
      Chunk chunk,
      List<Extent> after)
      throws IOException {
    Mutation.Builder mutation =
        Mutation.newBuilder()
            .setFileSystem(fileSystem.getId())
            .addEffects(
                Effect.newBuilder()
                    .setReplaceExtents(
                        ReplaceExtents.newBuilder()
                            .setInode(touched.inode().value())
                            .setIndex(touched.index())
                            .addAllBefore(chunk.getExtentsList())
                            .addAllAfter(after)));
    Proposals.propose(group, leadership, LogEntry.newBuilder().setMutation(mutation));
    log.debug(
        "inode {} chunk {}: {} extents became {}",
        touched.inode(),
        touched.index(),
        chunk.getExtentsCount(),
        after.size());
  }

  private void copy(ObjectStore store, String uuid, List<Extent> visible, SliceId slice, int length)
      throws IOException {
    block.clear();
    int index = 0;
    for (Extent piece : visible) {
      int done = 0;
      while (done < piece.getLength()) {
        int from = piece.getSliceOffset() + done;
        int oldIndex = from / Layout.BLOCK_BYTES;
        int oldLength = Layout.blockLength(piece.getSliceLength(), oldIndex);
        int within = from - oldIndex * Layout.BLOCK_BYTES;
        int count =
            Math.min(Math.min(piece.getLength() - done, oldLength - within), block.remaining());
        store.get(
            ObjectKeys.block(uuid, piece.getSlice(), oldIndex, oldLength),
            oldLength,
            within,
            count,
            List.of(block.duplicate().limit(block.position() + count)));
        block.position(block.position() + count);
        done += count;
        if (!block.hasRemaining()) {
          flush(store, uuid, slice, index++, length);
        }
      }
    }
    if (block.position() > 0) {
      flush(store, uuid, slice, index, length);
    }
  }

  private void flush(ObjectStore store, String uuid, SliceId slice, int index, int length)
      throws IOException {
    block.flip();
    store.putAndWait(
        ObjectKeys.block(uuid, slice.value(), index, Layout.blockLength(length, index)),
        List.of(block.duplicate()));
    block.clear();
  }

  /** The visible pieces, backed by the new slice; neighbours become one. */
  private static List<Extent> placed(List<Extent> visible, SliceId slice, int length) {
    List<Extent> placed = new ArrayList<>();
    int offset = 0;
    for (Extent piece : visible) {
      Extent last = placed.isEmpty() ? null : placed.get(placed.size() - 1);
      if (last != null && last.getChunkOffset() + last.getLength() == piece.getChunkOffset()) {
        placed.set(
            placed.size() - 1,
            last.toBuilder().setLength(last.getLength() + piece.getLength()).build());
      } else {
        placed.add(
            Extent.newBuilder()
                .setChunkOffset(piece.getChunkOffset())
                .setLength(piece.getLength())
                .setSlice(slice.value())
                .setSliceOffset(offset)
                .setSliceLength(length)
                .build());
      }
      offset += piece.getLength();
    }
    return placed;
  }
}
