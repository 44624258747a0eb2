package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Create;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.InsertInode;

/**
 * A new inode with its first name: open(2) with O_CREAT, mknod(2), mkdir(2), symlink(2). A file is
 * born in its directory's partition, a directory where there is room. In a directory with the
 * set-group-id bit the new inode takes the directory's group, a new directory the bit as well
 * (inode(7)).
 */
final class CreateOperation {
  private static final int SET_GROUP_ID = 02000;
  private static final int PERMISSION_BITS = 07777;

  /** PATH_MAX of Linux, without its NUL. */
  private static final int TARGET_BYTES_MAX = 4095;

  private CreateOperation() {}

  static Plan plan(Create create, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    Checks.name(create.getName());
    checkType(create);
    InodeId parentId = Checks.id(create.getParent());
    Inode parent = Checks.directory(surroundings, parentId);
    if (surroundings.dentry(parentId, create.getName()) != null) {
      throw new RefusedException(Refusal.EEXIST);
    }
    boolean directory = create.getType() == FileType.DIRECTORY;
    int partition = directory ? surroundings.choosePartition() : parentId.partition();
    long id = surroundings.newInode(partition);
    Inode inode = inode(create, parent, id, surroundings);
    return Plan.builder()
        .step(
            partition, Effect.newBuilder().setInsertInode(InsertInode.newBuilder().setInode(inode)))
        .step(
            parentId,
            Effect.newBuilder()
                .setInsertDentry(
                    InsertDentry.newBuilder()
                        .setParent(create.getParent())
                        .setName(create.getName())
                        .setChild(id)
                        .setType(create.getType())))
        .replyValue(inode)
        .parent(parentId)
        .build();
  }

  private static void checkType(Create create) throws RefusedException {
    switch (create.getType()) {
      case REGULAR, DIRECTORY, FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> {
        // no more to ask
      }
      case SYMLINK -> {
        if (create.getSymlinkTarget().isEmpty()) {
          throw new RefusedException(Refusal.ENOENT);
        }
        if (create.getSymlinkTarget().size() > TARGET_BYTES_MAX) {
          throw new RefusedException(Refusal.ENAMETOOLONG);
        }
      }
      case FILE_TYPE_UNKNOWN, UNRECOGNIZED -> throw new RefusedException(Refusal.EINVAL);
    }
  }

  private static Inode inode(Create create, Inode parent, long id, Surroundings surroundings) {
    boolean directory = create.getType() == FileType.DIRECTORY;
    boolean inheritsGroup = (parent.getMode() & SET_GROUP_ID) != 0;
    int mode = create.getMode() & PERMISSION_BITS;
    Inode.Builder inode =
        Inode.newBuilder()
            .setId(id)
            .setType(create.getType())
            .setMode(directory && inheritsGroup ? mode | SET_GROUP_ID : mode)
            .setUid(create.getUid())
            .setGid(inheritsGroup ? parent.getGid() : create.getGid())
            .setNlink(directory ? 2 : 1)
            .setLength(create.getSymlinkTarget().size())
            .setAtime(surroundings.time())
            .setMtime(surroundings.time())
            .setCtime(surroundings.time())
            .setRdev(create.getRdev())
            .setSymlinkTarget(create.getSymlinkTarget())
            .setVersion(1);
    if (directory) {
      inode.setParent(create.getParent());
    }
    if (directory || create.getType() == FileType.REGULAR) {
      inode.setPoolSet(parent.getPoolSet());
    }
    return inode.build();
  }
}
