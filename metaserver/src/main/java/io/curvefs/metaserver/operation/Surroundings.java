package io.curvefs.metaserver.operation;

import com.google.protobuf.ByteString;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.space.Want;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.space.BlockRange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a planner sees of the file system and what it may choose. What it saw may have changed when
 * its effects are applied: whatever a plan relies on must be a condition of one of its effects.
 */
public interface Surroundings {
  /**
   * @throws LooksElsewhereException when only another group could tell and asking is not possible
   *     here
   */
  @Nullable Inode inode(InodeId id) throws RefusedException, CannotPlanYetException;

  /** See {@link #inode}. */
  @Nullable Dentry dentry(InodeId parent, ByteString name)
      throws RefusedException, CannotPlanYetException;

  /** Whether the inode, which must be of the asked group, has the attribute. */
  boolean hasXattr(InodeId id, ByteString name);

  /**
   * Names of the attributes of an inode, which must be of the asked group; the first {@link
   * Namespace#XATTRS_MAX}.
   */
  List<ByteString> xattrNames(InodeId id);

  /**
   * A new inode's id; or, where another group's leader will choose it, the placeholder for one: the
   * first id of the partition's range.
   */
  long newInode(int partition) throws RefusedException;

  /** The partition for a new directory. */
  int choosePartition() throws RefusedException;

  /** Whether no other directory of the file system can be moved before this plan is carried out. */
  boolean holdsRenameLock();

  /**
   * The volumes of the file system; null: its file data is in an object store.
   *
   * @throws RefusedException BUSY when that is not known here (yet)
   */
  @Nullable VolumeStorage volumes() throws RefusedException;

  /** Whether all blocks are reserved by who asks. */
  boolean isReserved(BlockRange range);

  /** Whether some session may hold the inode, which must be of the asked group, open. */
  boolean mayBeOpen(InodeId id);

  /** Whether the file, which must be of the asked group, has blocks in all these places. */
  boolean hasBlocks(InodeId id, ChunkBlocks places);

  /**
   * Takes free blocks of the asked group. They are the plan's until it is carried out, or given
   * back because it is not.
   *
   * @throws ShortOfSpaceException when there are fewer than needed
   */
  List<BlockRange> takeBlocks(String poolSet, Want want)
      throws RefusedException, CannotPlanYetException;

  /** When the change takes place. */
  Timestamp time();
}
