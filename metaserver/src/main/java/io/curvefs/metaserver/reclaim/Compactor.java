package io.curvefs.metaserver.reclaim;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
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
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ReplaceExtents;
import io.curvefs.proto.ReserveSlice;
import io.curvefs.proto.Slice;
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
 *
 * <p>The new slice is announced as garbage before it is written, and stops being it in the entry
 * that uses it. So it is collected whenever it is not used: because the chunk has changed, or the
 * leader has died.
 */
final class Compactor {
  /** A chunk with fewer extents is not written anew. */
  static final int EXTENTS_MIN = 32;

  private static final long NO_RESERVATION = 0;

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
    Compaction work = new Compaction(group, leadership, fileSystem, touched, chunk);
    if (chunk.getExtentsCount() >= EXTENTS_MIN) {
      rewrite(work, visible);
    } else if (!BlockSet.of(visible).equals(BlockSet.of(chunk.getExtentsList()))) {
      work.replace(visible, NO_RESERVATION);
    }
  }

  /** Gives what is visible a slice of its own. */
  private void rewrite(Compaction work, List<Extent> visible) throws IOException {
    int length = visible.stream().mapToInt(Extent::getLength).sum();
    if (length == 0) {
      work.replace(List.of(), NO_RESERVATION);
      return;
    }
    long reserved = work.reserve();
    if (!work.leadership.unsettled(reserved)) {
      log.info("group {}: no compaction while the fate of earlier ones is open", work.group.id());
      return;
    }
    boolean mayComeIntoUse = false;
    try {
      SliceId slice = SliceId.of(work.group.id(), reserved);
      List<Extent> placed = placed(visible, slice, length);
      if (work.announce(placed, reserved)) {
        copy(work, visible, slice, length);
        mayComeIntoUse = true;
        work.replace(placed, reserved);
        mayComeIntoUse = false;
      }
    } finally {
      if (!mayComeIntoUse) {
        work.leadership.settled(reserved);
      }
    }
  }

  /** A chunk as it was read, and what happens to it. */
  private record Compaction(
      DataGroup group,
      Leadership leadership,
      FileSystem fileSystem,
      Leadership.TouchedChunk touched,
      Chunk chunk) {

    long reserve() throws IOException {
      return Proposals.propose(
              group,
              leadership,
              LogEntry.newBuilder().setReserveSlice(ReserveSlice.getDefaultInstance()))
          .getNumber();
    }

    /**
     * Makes garbage of the objects that are going to be written.
     *
     * @return false when the file is gone
     */
    boolean announce(List<Extent> placed, long reservation) throws IOException {
      return propose(effect().setAnnounced(wholeSlice(placed)).setReservation(reservation));
    }

    /** The slice that all extents are of; they refer to each of its blocks. */
    private static Slice wholeSlice(List<Extent> placed) {
      return BlockSet.of(placed).toSlices().get(0);
    }

    /**
     * @param reservation of the new slice among the extents
     */
    void replace(List<Extent> after, long reservation) throws IOException {
      boolean replaced =
          propose(
              effect()
                  .addAllBefore(chunk.getExtentsList())
                  .addAllAfter(after)
                  .setReservation(reservation));
      log.debug(
          "inode {} chunk {}: {} extents {} {}",
          touched.inode(),
          touched.index(),
          chunk.getExtentsCount(),
          replaced ? "became" : "have changed meanwhile, so they do not become",
          after.size());
    }

    private ReplaceExtents.Builder effect() {
      return ReplaceExtents.newBuilder()
          .setInode(touched.inode().value())
          .setIndex(touched.index());
    }

    private boolean propose(ReplaceExtents.Builder effect) throws IOException {
      Mutation.Builder mutation =
          Mutation.newBuilder()
              .setFileSystem(fileSystem.getId())
              .addEffects(Effect.newBuilder().setReplaceExtents(effect));
      Outcome outcome =
          Proposals.propose(group, leadership, LogEntry.newBuilder().setMutation(mutation));
      return outcome.getKind() == Outcome.Kind.APPLIED;
    }

    /** Another leader may have collected what was announced: write no more of it. */
    void requireLeadership() throws IOException {
      if (group.leadership() != leadership) {
        throw new RefusedException(Refusal.BUSY, "group " + group.id() + " has another leader");
      }
    }
  }

  private void copy(Compaction work, List<Extent> visible, SliceId slice, int length)
      throws IOException {
    ObjectStore store = stores.of(work.fileSystem);
    String uuid = work.fileSystem.getUuid();
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
          work.requireLeadership();
          flush(store, uuid, slice, index++, length);
        }
      }
    }
    if (block.position() > 0) {
      work.requireLeadership();
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
