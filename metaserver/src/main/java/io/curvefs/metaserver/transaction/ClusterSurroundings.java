package io.curvefs.metaserver.transaction;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.metaserver.space.Want;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Inode;
import io.curvefs.proto.LookAt;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.Timestamp;
import io.curvefs.rpc.Deadline;
import io.curvefs.space.BlockRange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a planner sees when it may wait for other groups. */
final class ClusterSurroundings extends GroupSurroundings {
  private final Placement placement;
  private final int fileSystem;
  private final GroupPort groups;
  private final Deadline deadline;
  private final boolean renameLock;

  ClusterSurroundings(
      DataGroup home,
      Leadership leadership,
      Placement placement,
      int fileSystem,
      int session,
      Timestamp time,
      GroupPort groups,
      Deadline deadline,
      boolean renameLock) {
    super(home, leadership, placement, fileSystem, session, time);
    this.placement = placement;
    this.fileSystem = fileSystem;
    this.groups = groups;
    this.deadline = deadline;
    this.renameLock = renameLock;
  }

  @Override
  @Nullable Inode inodeElsewhere(InodeId id) throws RefusedException {
    ParticipateReply seen = look(id, ByteString.EMPTY);
    return seen.hasInode() ? seen.getInode() : null;
  }

  @Override
  @Nullable Dentry dentryElsewhere(InodeId parent, ByteString name) throws RefusedException {
    ParticipateReply seen = look(parent, name);
    return seen.hasDentry() ? seen.getDentry() : null;
  }

  private ParticipateReply look(InodeId inode, ByteString name) throws RefusedException {
    LookAt lookAt =
        LookAt.newBuilder().setFileSystem(fileSystem).setInode(inode.value()).setName(name).build();
    return Waiting.refusing(
        groups.ask(
            placement.groupOf(fileSystem, inode.partition()),
            ParticipateRequest.newBuilder().setLookAt(lookAt).build(),
            deadline));
  }

  /** Blocks are asked of the group of their file, which need not wait for others. */
  @Override
  public List<BlockRange> takeBlocks(String poolSet, Want want) throws RefusedException {
    throw new RefusedException(Refusal.BAD_REQUEST, "the file is in another group");
  }

  @Override
  public boolean holdsRenameLock() {
    return renameLock;
  }
}
