package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.RemoveDentry;
import io.curvefs.proto.RemoveDir;
import io.curvefs.proto.RemoveDirectory;

/** rmdir(2). */
final class RemoveDirOperation {
  private RemoveDirOperation() {}

  static Plan plan(RemoveDir remove, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    InodeId parent = Checks.id(remove.getParent());
    Checks.directory(surroundings, parent);
    Dentry dentry = Checks.dentry(surroundings, parent, remove.getName());
    if (dentry.getType() != FileType.DIRECTORY) {
      throw new RefusedException(Refusal.ENOTDIR);
    }
    InodeId child = Checks.id(dentry.getChild());
    if (Checks.inode(surroundings, child).getEntries() != 0) {
      throw new RefusedException(Refusal.ENOTEMPTY);
    }
    return Plan.builder()
        .step(
            child,
            Effect.newBuilder()
                .setRemoveDirectory(RemoveDirectory.newBuilder().setInode(child.value())))
        .step(
            parent,
            Effect.newBuilder()
                .setRemoveDentry(
                    RemoveDentry.newBuilder()
                        .setParent(parent.value())
                        .setName(remove.getName())
                        .setChild(child.value())
                        .setType(FileType.DIRECTORY)))
        .parent(parent)
        .build();
  }
}
