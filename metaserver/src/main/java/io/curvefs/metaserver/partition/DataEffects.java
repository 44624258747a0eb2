package io.curvefs.metaserver.partition;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Garbage;
import io.curvefs.proto.Inode;
import io.curvefs.proto.ReplaceExtents;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Timestamp;
import io.curvefs.slice.BlockSet;
import io.curvefs.slice.Layout;
import io.curvefs.slice.Overlay;
import java.util.ArrayList;
import java.util.List;

/**
 * Effects on attributes and on the bytes of a file. Objects that nothing refers to any more become
 * garbage in the same entry, so that none is forgotten and none is deleted while in use.
 */
final class DataEffects {
  /** Chunk rows that one truncate looks at in one go. */
  private static final int CHUNKS_PER_SCAN = 1024;

  private final WriteSet rows;
  private final int fileSystem;
  private final InodeTable inodes;
  private final BlockEffects blocks;
  private final Timestamp time;
  private final long logIndex;
  private final Namespace namespace;

  DataEffects(
      WriteSet rows,
      int fileSystem,
      InodeTable inodes,
      BlockEffects blocks,
      Timestamp time,
      long logIndex) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.inodes = inodes;
    this.blocks = blocks;
    this.time = time;
    this.logIndex = logIndex;
    this.namespace = new Namespace(rows, fileSystem);
  }

  void setAttributes(SetAttributes set) throws ConditionFailedException {
    Inode.Builder inode = inodes.existing(set.getInode());
    if (set.hasMode()) {
      inode.setMode(set.getMode());
    }
    if (set.hasUid()) {
      inode.setUid(set.getUid());
    }
    if (set.hasGid()) {
      inode.setGid(set.getGid());
    }
    if (set.hasPoolSet()) {
      inode.setPoolSet(set.getPoolSet());
    }
    long lengthBefore = inode.getLength();
    if (set.hasLength()) {
      truncate(inode, set.getLength());
    }
    if (set.hasAtime()) {
      inode.setAtime(set.getAtime());
    }
    if (set.hasMtime()) {
      inode.setMtime(set.getMtime());
    }
    JournalMarks.raise(inode, set.getStagedList());
    inodes.changedLength(inode, lengthBefore);
  }

  private void truncate(Inode.Builder inode, long length) throws ConditionFailedException {
    if (inode.getType() != FileType.REGULAR) {
      throw ConditionFailedException.conflict("not a regular file");
    }
    inode.setMtime(time);
    // Even when the length stays: who asked takes the new version for the own change alone.
    inode.setDataVersion(inode.getDataVersion() + 1);
    if (length < inode.getLength()) {
      cut(inode, length);
    }
    inode.setLength(length);
  }

  /** Drops what lies behind the new end, so that a file that grows again reads zeros there. */
  private void cut(Inode.Builder inode, long length) throws ConditionFailedException {
    BlockSet dropped = new BlockSet();
    InodeId id = new InodeId(inode.getId());
    int next = Layout.chunkIndex(length);
    while (true) {
      List<Namespace.IndexedChunk> chunks = namespace.chunksFrom(id, next, CHUNKS_PER_SCAN);
      if (!chunks.isEmpty() && chunks.get(0).chunk().getBlocksCount() > 0) {
        blocks.cut(inode, length); // a file is on volumes, or it is not
        return;
      }
      for (Namespace.IndexedChunk chunk : chunks) {
        long start = (long) chunk.index() * Layout.CHUNK_BYTES;
        int kept = (int) Math.max(0, length - start);
        putChunk(inode, chunk.index(), chunk.chunk(), before(chunk.chunk(), kept), dropped);
        next = chunk.index() + 1;
      }
      if (chunks.size() < CHUNKS_PER_SCAN) {
        break;
      }
    }
    putGarbage(inode.getId(), dropped);
  }

  private static List<Extent> before(Chunk chunk, int end) {
    List<Extent> kept = new ArrayList<>();
    for (Extent extent : chunk.getExtentsList()) {
      int length = Math.min(extent.getLength(), end - extent.getChunkOffset());
      if (length > 0) {
        kept.add(extent.toBuilder().setLength(length).build());
      }
    }
    return kept;
  }

  void commit(CommitExtents commit) throws ConditionFailedException {
    Inode.Builder inode = inodes.existing(commit.getInode());
    if (JournalMarks.areDone(inode.getJournalMarksList(), commit.getStagedList())) {
      throw ConditionFailedException.conflict("committed already, or dropped");
    }
    JournalMarks.raise(inode, commit.getStagedList());
    InodeId id = new InodeId(commit.getInode());
    for (ChunkExtents added : commit.getChunksList()) {
      Chunk chunk = chunkOrHole(id, added.getIndex());
      List<Extent> extents = new ArrayList<>(chunk.getExtentsList());
      for (Extent extent : added.getExtentsList()) {
        append(extents, extent);
      }
      putChunk(inode, added.getIndex(), chunk, extents, new BlockSet());
    }
    long lengthBefore = inode.getLength();
    inode.setLength(Math.max(lengthBefore, commit.getLength()));
    inode.setMtime(commit.hasMtime() ? commit.getMtime() : time);
    inode.setDataVersion(inode.getDataVersion() + 1);
    Timestamp ctime = commit.hasChanged() ? later(inode.getCtime(), commit.getChanged()) : time;
    inodes.changedLength(inode, lengthBefore, ctime);
  }

  private static Timestamp later(Timestamp a, Timestamp b) {
    boolean first =
        a.getSeconds() != b.getSeconds()
            ? a.getSeconds() > b.getSeconds()
            : a.getNanos() > b.getNanos();
    return first ? a : b;
  }

  private static void append(List<Extent> extents, Extent added) {
    if (!extents.isEmpty()) {
      Extent last = extents.get(extents.size() - 1);
      if (isContinued(last, added)) {
        extents.set(
            extents.size() - 1,
            last.toBuilder()
                .setLength(last.getLength() + added.getLength())
                .setSliceLength(added.getSliceLength())
                .build());
        return;
      }
    }
    for (Extent extent : extents) {
      if (extent.getSlice() == added.getSlice()
          && added.getSlice() != 0
          && extent.getSliceOffset() <= added.getSliceOffset()
          && added.getSliceOffset() < extent.getSliceOffset() + extent.getLength()) {
        return; // committed before, by a request whose answer was lost
      }
    }
    extents.add(added);
  }

  private static boolean isContinued(Extent last, Extent added) {
    return last.getSlice() == added.getSlice()
        && last.getChunkOffset() + last.getLength() == added.getChunkOffset()
        && (last.getSlice() == 0
            || last.getSliceOffset() + last.getLength() == added.getSliceOffset());
  }

  void replace(ReplaceExtents replace) throws ConditionFailedException {
    Inode.Builder inode = inodes.existing(replace.getInode());
    if (replace.hasAnnounced()) {
      announce(replace);
      return;
    }
    Chunk chunk = chunkOrHole(new InodeId(replace.getInode()), replace.getIndex());
    int read = replace.getBeforeCount();
    if (chunk.getExtentsCount() < read
        || !chunk.getExtentsList().subList(0, read).equals(replace.getBeforeList())) {
      throw ConditionFailedException.conflict("the chunk has changed");
    }
    List<Extent> extents = new ArrayList<>(replace.getAfterList());
    extents.addAll(chunk.getExtentsList().subList(read, chunk.getExtentsCount()));
    if (replace.getReservation() != 0) {
      useAnnounced(replace);
    }
    BlockSet dropped = new BlockSet();
    putChunk(inode, replace.getIndex(), chunk, extents, dropped);
    putGarbage(inode.getId(), dropped);
    // Neither the bytes nor any time changed, so neither does a version.
    rows.put(Keys.inode(fileSystem, inode.getId()), inode.build().toByteArray());
  }

  /**
   * Makes garbage of objects before they are written, so that whatever becomes of their writer
   * somebody knows of them.
   */
  private void announce(ReplaceExtents replace) {
    rows.put(
        Keys.garbage(fileSystem, replace.getInode(), replace.getReservation()),
        Garbage.newBuilder().addSlices(replace.getAnnounced()).build().toByteArray());
  }

  /** The announced objects are in use from now on; unless they have been collected. */
  private void useAnnounced(ReplaceExtents replace) throws ConditionFailedException {
    byte[] key = Keys.garbage(fileSystem, replace.getInode(), replace.getReservation());
    if (rows.get(key) == null) {
      throw ConditionFailedException.conflict("the new slice is gone");
    }
    rows.delete(key);
  }

  private Chunk chunkOrHole(InodeId inode, int index) {
    Chunk chunk = namespace.chunk(inode, index);
    return chunk == null ? Chunk.getDefaultInstance() : chunk;
  }

  /** Writes a chunk's row; the inode's allocated bytes follow; objects it lost are collected. */
  private void putChunk(
      Inode.Builder inode, int index, Chunk before, List<Extent> extents, BlockSet dropped) {
    byte[] key = Keys.chunk(fileSystem, inode.getId(), index);
    if (extents.isEmpty()) {
      rows.delete(key);
    } else {
      rows.put(key, Chunk.newBuilder().addAllExtents(extents).build().toByteArray());
    }
    long allocated =
        inode.getAllocated()
            - Overlay.of(before.getExtentsList()).allocated()
            + Overlay.of(extents).allocated();
    inode.setAllocated(allocated);
    dropped.addAll(BlockSet.of(before.getExtentsList()));
    dropped.removeAll(BlockSet.of(extents));
  }

  private void putGarbage(long inode, BlockSet blocks) {
    if (!blocks.isEmpty()) {
      Garbage garbage = Garbage.newBuilder().addAllSlices(blocks.toSlices()).build();
      rows.put(Keys.garbage(fileSystem, inode, logIndex), garbage.toByteArray());
    }
  }
}
