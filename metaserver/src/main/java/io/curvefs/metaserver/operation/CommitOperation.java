package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.JournalMarks;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.slice.Layout;

/**
 * Bytes that are in the object store become part of their file: what write(2) comes to at fsync or
 * close. Blocks of a write-back journal that are part of it already, or were dropped, are refused
 * with CHANGED: whose commit came through although its answer did not must not make it again.
 */
final class CommitOperation {
  private CommitOperation() {}

  static Plan plan(CommitExtents commit, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    InodeId id = Checks.id(commit.getInode());
    Inode inode = Checks.inode(surroundings, id);
    if (inode.getType() != FileType.REGULAR) {
      throw new RefusedException(Refusal.EINVAL);
    }
    if (surroundings.volumes() != null) {
      throw new RefusedException(Refusal.BAD_REQUEST, "files of this file system are on volumes");
    }
    if (commit.getLength() < 0 || commit.getLength() > Layout.FILE_BYTES_MAX) {
      throw new RefusedException(Refusal.EFBIG);
    }
    Checks.staged(commit.getStagedList());
    if (JournalMarks.areDone(inode.getJournalMarksList(), commit.getStagedList())) {
      throw new RefusedException(Refusal.CHANGED);
    }
    for (ChunkExtents chunk : commit.getChunksList()) {
      for (Extent extent : chunk.getExtentsList()) {
        check(extent);
      }
    }
    return Plan.builder()
        .step(id, Effect.newBuilder().setCommitExtents(commit))
        .reply(id, null)
        .build();
  }

  private static void check(Extent extent) throws RefusedException {
    boolean inChunk =
        extent.getChunkOffset() >= 0
            && extent.getLength() > 0
            && extent.getLength() <= Layout.CHUNK_BYTES - extent.getChunkOffset();
    boolean inSlice =
        extent.getSlice() == 0
            || (extent.getSliceOffset() >= 0
                && extent.getLength() <= extent.getSliceLength() - extent.getSliceOffset());
    if (!inChunk || !inSlice) {
      throw new RefusedException(
          Refusal.BAD_REQUEST, "an extent reaches beyond its chunk or slice");
    }
  }
}
