package io.curvefs.client.staging;

import io.curvefs.cache.BlockId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import java.util.List;

/**
 * A block whose bytes are in the journal.
 *
 * @param writer drawn when the journal was opened that took it; 0: by a build that drew none
 * @param sequence its place in the order of all that was put there; 1 or more
 * @param chunk of the file
 * @param extents that will refer to it, all of its slice
 * @param fileEnd where in the file its last byte ends
 * @param mtime what the file's modification time is to become
 * @param staged when it was put there
 */
public record StagedBlock(
    long writer,
    long sequence,
    InodeId inode,
    BlockId id,
    int chunk,
    List<Extent> extents,
    long fileEnd,
    Timestamp mtime,
    Timestamp staged) {
  public StagedBlock {
    extents = List.copyOf(extents);
  }

  StagedBlock withMtime(Timestamp changed) {
    return new StagedBlock(writer, sequence, inode, id, chunk, extents, fileEnd, changed, staged);
  }

  /** The same bytes under another name. */
  StagedBlock named(BlockId newId, List<Extent> newExtents) {
    return new StagedBlock(
        writer, sequence, inode, newId, chunk, newExtents, fileEnd, mtime, staged);
  }
}
