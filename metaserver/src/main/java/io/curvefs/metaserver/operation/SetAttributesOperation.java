package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.slice.Layout;

/**
 * chmod(2), chown(2), truncate(2), utimensat(2); and the pool set of a file or directory. Who may
 * is for the client's kernel to check (default_permissions).
 */
final class SetAttributesOperation {
  private SetAttributesOperation() {}

  static Plan plan(SetAttributes set, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    InodeId id = Checks.id(set.getInode());
    Inode inode = Checks.inode(surroundings, id);
    if (set.hasLength()) {
      if (inode.getType() == FileType.DIRECTORY) {
        throw new RefusedException(Refusal.EISDIR);
      }
      if (inode.getType() != FileType.REGULAR || set.getLength() < 0) {
        throw new RefusedException(Refusal.EINVAL);
      }
      if (set.getLength() > Layout.FILE_BYTES_MAX) {
        throw new RefusedException(Refusal.EFBIG);
      }
    }
    Checks.staged(set.getStagedList());
    if (set.hasPoolSet()) {
      checkPoolSet(set.getPoolSet(), inode, surroundings);
    }
    return Plan.builder()
        .step(id, Effect.newBuilder().setSetAttributes(set))
        .reply(id, null)
        .build();
  }

  private static void checkPoolSet(String poolSet, Inode inode, Surroundings surroundings)
      throws RefusedException {
    VolumeStorage volumes = surroundings.volumes();
    if (volumes == null) {
      throw new RefusedException(Refusal.EOPNOTSUPP);
    }
    boolean known =
        poolSet.isEmpty()
            || volumes.getVolumesList().stream()
                .anyMatch(volume -> volume.getPoolSet().equals(poolSet));
    boolean mayChange =
        inode.getType() == FileType.DIRECTORY
            || (inode.getType() == FileType.REGULAR && inode.getAllocated() == 0);
    if (!known || !mayChange) {
      throw new RefusedException(Refusal.EINVAL);
    }
  }
}
