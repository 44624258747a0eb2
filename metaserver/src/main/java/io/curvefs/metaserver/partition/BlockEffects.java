package io.curvefs.metaserver.partition;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.PunchHole;
import io.curvefs.proto.ReserveBlocks;
import io.curvefs.proto.ReturnBlocks;
import io.curvefs.proto.Timestamp;
import io.curvefs.slice.Layout;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Effects on the blocks of files on volumes. A block that leaves a file enters quarantine in the
 * same entry, so that none is lost and none is used again while somebody may still read it.
 */
final class BlockEffects {
  /** Chunk rows that are looked at in one go. */
  private static final int CHUNKS_PER_SCAN = 1024;

  private final WriteSet rows;
  private final int fileSystem;
  private final int session;
  private final InodeTable inodes;
  private final SpaceTable space;
  private final Timestamp time;
  private final Namespace namespace;

  /**
   * @param session whose request it is; 0: nobody's
   */
  BlockEffects(
      WriteSet rows,
      int fileSystem,
      int session,
      InodeTable inodes,
      SpaceTable space,
      Timestamp time) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.session = session;
    this.inodes = inodes;
    this.space = space;
    this.time = time;
    this.namespace = new Namespace(rows, fileSystem);
  }

  void reserve(ReserveBlocks reserve) throws ConditionFailedException {
    space.requireFileSystem();
    for (BlockRange range : BlockRanges.of(reserve.getRangesList())) {
      space.reserve(session, range);
    }
  }

  void giveBack(ReturnBlocks giveBack) throws ConditionFailedException {
    space.requireFileSystem();
    for (BlockRange range : BlockRanges.of(giveBack.getRangesList())) {
      space.giveBack(session, range);
    }
  }

  void commit(CommitBlocks commit) throws ConditionFailedException {
    space.requireFileSystem();
    Inode.Builder inode = inodes.existing(commit.getInode());
    if (commit.hasBasedOn() && commit.getBasedOn() != inode.getDataVersion()) {
      throw ConditionFailedException.conflict("the file was changed meanwhile");
    }
    List<BlockRange> dropped = new ArrayList<>();
    for (ChunkBlocks added : commit.getChunksList()) {
      for (BlockExtent extent : added.getBlocksList()) {
        space.use(session, BlockRanges.of(extent));
      }
      Chunk chunk = namespace.chunk(new InodeId(inode.getId()), added.getIndex());
      List<BlockExtent> before = chunk == null ? List.of() : chunk.getBlocksList();
      putChunk(
          inode,
          added.getIndex(),
          before,
          BlockMap.replaced(before, added.getBlocksList(), dropped));
    }
    space.quarantine(dropped);
    long lengthBefore = inode.getLength();
    inode.setDataVersion(inode.getDataVersion() + 1);
    if (commit.getMoved()) {
      inodes.changedLength(inode, lengthBefore, inode.getCtime());
      return;
    }
    inode.setLength(Math.max(lengthBefore, commit.getLength()));
    inode.setMtime(commit.hasMtime() ? commit.getMtime() : time);
    inodes.changedLength(inode, lengthBefore);
  }

  void punchHole(PunchHole punch) throws ConditionFailedException {
    space.requireFileSystem();
    Inode.Builder inode = inodes.existing(punch.getInode());
    if (inode.getType() != FileType.REGULAR) {
      throw ConditionFailedException.conflict("not a regular file");
    }
    drop(inode, punch.getFirstBlock(), punch.getFirstBlock() + punch.getCount());
    inode.setMtime(time).setDataVersion(inode.getDataVersion() + 1);
    inodes.changedLength(inode, inode.getLength());
  }

  /** Drops what lies behind the last block that a new length touches. */
  void cut(Inode.Builder inode, long length) throws ConditionFailedException {
    long kept = (length + VolumeLayout.BLOCK_BYTES - 1) / VolumeLayout.BLOCK_BYTES;
    drop(inode, kept, Layout.FILE_BYTES_MAX / VolumeLayout.BLOCK_BYTES);
  }

  /** Makes a hole between two blocks of the file. */
  private void drop(Inode.Builder inode, long from, long to) throws ConditionFailedException {
    List<BlockRange> dropped = new ArrayList<>();
    InodeId id = new InodeId(inode.getId());
    int next = Math.toIntExact(from / BlockMap.CHUNK_BLOCKS);
    List<Namespace.IndexedChunk> chunks;
    do {
      chunks = namespace.chunksFrom(id, next, CHUNKS_PER_SCAN);
      for (Namespace.IndexedChunk chunk : chunks) {
        long start = (long) chunk.index() * BlockMap.CHUNK_BLOCKS;
        if (start >= to) {
          chunks = List.of();
          break;
        }
        int first = (int) Math.max(0, from - start);
        int end = (int) Math.min(BlockMap.CHUNK_BLOCKS, to - start);
        List<BlockExtent> before = chunk.chunk().getBlocksList();
        if (first < end && !before.isEmpty()) {
          putChunk(
              inode, chunk.index(), before, BlockMap.without(before, first, end - first, dropped));
        }
        next = chunk.index() + 1;
      }
    } while (chunks.size() == CHUNKS_PER_SCAN);
    if (!dropped.isEmpty()) {
      space.requireFileSystem();
      space.quarantine(dropped);
    }
  }

  private void putChunk(
      Inode.Builder inode, int index, List<BlockExtent> before, List<BlockExtent> after) {
    byte[] key = Keys.chunk(fileSystem, inode.getId(), index);
    if (after.isEmpty()) {
      rows.delete(key);
    } else {
      rows.put(key, Chunk.newBuilder().addAllBlocks(after).build().toByteArray());
    }
    long more = BlockMap.blocks(after) - BlockMap.blocks(before);
    inode.setAllocated(inode.getAllocated() + more * VolumeLayout.BLOCK_BYTES);
  }
}
