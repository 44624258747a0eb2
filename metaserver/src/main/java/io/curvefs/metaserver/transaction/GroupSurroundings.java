package io.curvefs.metaserver.transaction;

import com.google.protobuf.ByteString;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.metaserver.operation.CannotPlanYetException;
import io.curvefs.metaserver.operation.LooksElsewhereException;
import io.curvefs.metaserver.operation.RowLockedException;
import io.curvefs.metaserver.operation.ShortOfSpaceException;
import io.curvefs.metaserver.operation.Surroundings;
import io.curvefs.metaserver.partition.Locks;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.space.Want;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.space.BlockRange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a planner sees without asking another group. Never blocks. */
public class GroupSurroundings implements Surroundings {
  private final DataGroup group;
  private final Leadership leadership;
  private final Placement placement;
  private final int fileSystem;
  private final int session;
  private final Timestamp time;
  private final Namespace namespace;

  /**
   * @param session who asks
   */
  public GroupSurroundings(
      DataGroup group,
      Leadership leadership,
      Placement placement,
      int fileSystem,
      int session,
      Timestamp time) {
    this.group = group;
    this.leadership = leadership;
    this.placement = placement;
    this.fileSystem = fileSystem;
    this.session = session;
    this.time = time;
    this.namespace = new Namespace(group.rows(), fileSystem);
  }

  final boolean isHere(int partition) throws RefusedException {
    return placement.groupOf(fileSystem, partition).equals(group.id());
  }

  @Override
  public @Nullable Inode inode(InodeId id) throws RefusedException, CannotPlanYetException {
    if (!isHere(id.partition())) {
      return inodeElsewhere(id);
    }
    requireUnlocked(Keys.inode(fileSystem, id.value()));
    return namespace.inode(id);
  }

  @Override
  public @Nullable Dentry dentry(InodeId parent, ByteString name)
      throws RefusedException, CannotPlanYetException {
    if (!isHere(parent.partition())) {
      return dentryElsewhere(parent, name);
    }
    requireUnlocked(Keys.dentry(fileSystem, parent.value(), name.toByteArray()));
    return namespace.dentry(parent, name);
  }

  private void requireUnlocked(byte[] key) throws RowLockedException {
    if (Locks.isHeld(group.rows(), key)) {
      throw new RowLockedException();
    }
  }

  @Nullable Inode inodeElsewhere(InodeId id) throws RefusedException, CannotPlanYetException {
    throw new LooksElsewhereException();
  }

  @Nullable Dentry dentryElsewhere(InodeId parent, ByteString name)
      throws RefusedException, CannotPlanYetException {
    throw new LooksElsewhereException();
  }

  @Override
  public boolean hasXattr(InodeId id, ByteString name) {
    return namespace.xattr(id, name) != null;
  }

  @Override
  public List<ByteString> xattrNames(InodeId id) {
    return namespace.xattrNames(id);
  }

  @Override
  public long newInode(int partition) throws RefusedException {
    return isHere(partition)
        ? leadership.inodes().allocate(fileSystem, partition).value()
        : (long) partition << InodeId.PARTITION_SHIFT;
  }

  @Override
  public int choosePartition() throws RefusedException {
    return placement.choosePartition(fileSystem);
  }

  @Override
  public boolean holdsRenameLock() {
    return false;
  }

  @Override
  public @Nullable VolumeStorage volumes() throws RefusedException {
    return placement.volumes(fileSystem);
  }

  @Override
  public boolean isReserved(BlockRange range) {
    return new SpaceRows(group.rows(), fileSystem).isReserved(session, range);
  }

  @Override
  public boolean mayBeOpen(InodeId id) {
    return leadership.opens().mayBeOpen(new OpenTable.File(fileSystem, id));
  }

  @Override
  public boolean hasBlocks(InodeId id, ChunkBlocks places) {
    return namespace.hasBlocks(id, places);
  }

  @Override
  public List<BlockRange> takeBlocks(String poolSet, Want want)
      throws RefusedException, CannotPlanYetException {
    List<BlockRange> taken = leadership.space().take(new Pool(fileSystem, poolSet), want);
    if (taken.isEmpty()) {
      throw new ShortOfSpaceException(poolSet, want.blocksMin());
    }
    return taken;
  }

  @Override
  public Timestamp time() {
    return time;
  }
}
