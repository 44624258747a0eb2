package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.BlockRanges;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Inode;
import io.curvefs.slice.Layout;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes that are on a volume become part of their file. Blocks that the session has not reserved,
 * or no longer, are refused with NOT_RESERVED: its lease has ended, or it has given them back. Who
 * says which version of the file it wrote over is refused with CHANGED when another mount was
 * faster: blocks that were overwritten in place may be the file's no more, and its end may have
 * moved.
 *
 * <p>Blocks that are moved hold the bytes that the file has in that version: they fill no hole, and
 * nobody has the file open.
 */
final class CommitBlocksOperation {
  private static final int EXTENTS_MAX = 65_536;
  private static final int CHUNK_BLOCKS = Layout.CHUNK_BYTES / VolumeLayout.BLOCK_BYTES;
  private static final int CHUNKS_MAX = Layout.chunkCount(Layout.FILE_BYTES_MAX);

  private CommitBlocksOperation() {}

  static Plan plan(CommitBlocks commit, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    InodeId id = Checks.id(commit.getInode());
    Inode inode = Checks.fileOnVolumes(surroundings, id);
    if (commit.hasBasedOn() && commit.getBasedOn() != inode.getDataVersion()) {
      throw new RefusedException(Refusal.CHANGED);
    }
    if (commit.getLength() < 0 || commit.getLength() > Layout.FILE_BYTES_MAX) {
      throw new RefusedException(Refusal.EFBIG);
    }
    List<BlockRange> ranges = ranges(commit);
    if (ranges.size() > EXTENTS_MAX || BlockRanges.overlap(ranges)) {
      throw new RefusedException(
          Refusal.BAD_REQUEST, "a block twice, or more than " + EXTENTS_MAX + " extents");
    }
    for (BlockRange range : ranges) {
      if (!surroundings.isReserved(range)) {
        throw new RefusedException(
            Refusal.NOT_RESERVED, "blocks " + range + " are not reserved by this session");
      }
    }
    if (commit.getMoved()) {
      requireMovable(commit, id, surroundings);
    }
    return Plan.builder()
        .step(id, Effect.newBuilder().setCommitBlocks(commit))
        .reply(id, null)
        .build();
  }

  private static void requireMovable(CommitBlocks commit, InodeId id, Surroundings surroundings)
      throws RefusedException {
    if (!commit.hasBasedOn() || commit.getLength() > 0 || commit.hasMtime()) {
      throw new RefusedException(
          Refusal.BAD_REQUEST, "a move is of one version, and changes neither length nor time");
    }
    for (ChunkBlocks chunk : commit.getChunksList()) {
      if (!surroundings.hasBlocks(id, chunk)) {
        throw new RefusedException(Refusal.BAD_REQUEST, "a move fills no holes");
      }
    }
    Checks.closed(surroundings, id);
  }

  /** The blocks of all extents, which are in order and within their chunks. */
  private static List<BlockRange> ranges(CommitBlocks commit) throws RefusedException {
    List<BlockRange> ranges = new ArrayList<>();
    int lastIndex = -1;
    int end = 0;
    for (ChunkBlocks chunk : commit.getChunksList()) {
      boolean ordered = chunk.getIndex() >= lastIndex && chunk.getIndex() < CHUNKS_MAX;
      end = chunk.getIndex() == lastIndex ? end : 0;
      lastIndex = chunk.getIndex();
      for (BlockExtent extent : chunk.getBlocksList()) {
        ranges.add(Checks.blocks(extent.getAddress(), extent.getCount()));
        ordered &=
            extent.getChunkBlock() >= end
                && extent.getCount() <= CHUNK_BLOCKS - extent.getChunkBlock();
        end = extent.getChunkBlock() + extent.getCount();
      }
      if (!ordered) {
        throw new RefusedException(
            Refusal.BAD_REQUEST, "extents beyond their chunk or the one before");
      }
    }
    return ranges;
  }
}
