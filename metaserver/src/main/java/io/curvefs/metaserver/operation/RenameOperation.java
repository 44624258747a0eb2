package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.RemoveDentry;
import io.curvefs.proto.RemoveDirectory;
import io.curvefs.proto.Rename;
import io.curvefs.proto.Reparent;
import io.curvefs.proto.ReplaceDentry;
import org.jspecify.annotations.Nullable;

/**
 * rename(2): the new name is, at every moment, the old file's or the moved one's. A directory that
 * changes its parent must not come to lie below itself; while that is checked and done no other
 * directory of the file system changes its parent.
 */
final class RenameOperation {
  /** Deeper trees cannot be reached by any path; a longer chain is a loop. */
  private static final int DEPTH_MAX = 100_000;

  private RenameOperation() {}

  static Plan plan(Rename rename, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    Checks.name(rename.getNewName());
    InodeId from = Checks.id(rename.getParent());
    InodeId to = Checks.id(rename.getNewParent());
    Checks.directory(surroundings, from);
    Dentry moved = Checks.dentry(surroundings, from, rename.getName());
    InodeId child = Checks.id(moved.getChild());
    Checks.directory(surroundings, to);
    Dentry target = surroundings.dentry(to, rename.getNewName());
    if (target != null && target.getChild() == moved.getChild()) {
      return Plan.nothing(child, from); // two names of one file: both stay
    }
    boolean directory = moved.getType() == FileType.DIRECTORY;
    if (directory && !from.equals(to)) {
      if (!surroundings.holdsRenameLock()) {
        return Plan.onceLocked();
      }
      checkNotBelow(surroundings, child, to);
    }
    if (target != null) {
      checkReplaceable(surroundings, directory, target);
    }

    Plan.Builder plan = Plan.builder().reply(child, null).parent(from);
    plan.step(
        from,
        Effect.newBuilder()
            .setRemoveDentry(
                RemoveDentry.newBuilder()
                    .setParent(from.value())
                    .setName(rename.getName())
                    .setChild(child.value())
                    .setType(moved.getType())));
    put(plan, rename, to, moved, target);
    if (directory && !from.equals(to)) {
      plan.step(
          child,
          Effect.newBuilder()
              .setReparent(
                  Reparent.newBuilder()
                      .setInode(child.value())
                      .setOldParent(from.value())
                      .setParent(to.value())));
    } else {
      plan.step(child, changeLinks(child, 0));
    }
    return plan.build();
  }

  private static void put(
      Plan.Builder plan, Rename rename, InodeId to, Dentry moved, @Nullable Dentry target)
      throws RefusedException {
    if (target == null) {
      plan.step(
          to,
          Effect.newBuilder()
              .setInsertDentry(
                  InsertDentry.newBuilder()
                      .setParent(to.value())
                      .setName(rename.getNewName())
                      .setChild(moved.getChild())
                      .setType(moved.getType())));
      return;
    }
    plan.step(
        to,
        Effect.newBuilder()
            .setReplaceDentry(
                ReplaceDentry.newBuilder()
                    .setParent(to.value())
                    .setName(rename.getNewName())
                    .setOldChild(target.getChild())
                    .setOldType(target.getType())
                    .setChild(moved.getChild())
                    .setType(moved.getType())));
    InodeId replaced = Checks.id(target.getChild());
    if (target.getType() == FileType.DIRECTORY) {
      plan.step(
          replaced,
          Effect.newBuilder()
              .setRemoveDirectory(RemoveDirectory.newBuilder().setInode(replaced.value())));
    } else {
      plan.step(replaced, changeLinks(replaced, -1));
    }
  }

  private static Effect.Builder changeLinks(InodeId inode, int delta) {
    return Effect.newBuilder()
        .setChangeLinks(ChangeLinks.newBuilder().setInode(inode.value()).setDelta(delta));
  }

  private static void checkReplaceable(Surroundings surroundings, boolean directory, Dentry target)
      throws RefusedException, CannotPlanYetException {
    boolean targetDirectory = target.getType() == FileType.DIRECTORY;
    if (directory && !targetDirectory) {
      throw new RefusedException(Refusal.ENOTDIR);
    }
    if (!directory && targetDirectory) {
      throw new RefusedException(Refusal.EISDIR);
    }
    if (targetDirectory
        && Checks.inode(surroundings, Checks.id(target.getChild())).getEntries() != 0) {
      throw new RefusedException(Refusal.ENOTEMPTY);
    }
  }

  private static void checkNotBelow(Surroundings surroundings, InodeId moved, InodeId newParent)
      throws RefusedException, CannotPlanYetException {
    InodeId at = newParent;
    for (int depth = 0; !at.equals(InodeId.ROOT); depth++) {
      if (at.equals(moved)) {
        throw new RefusedException(Refusal.EINVAL);
      }
      if (depth == DEPTH_MAX) {
        throw new IllegalStateException("no way from directory " + newParent + " to the root");
      }
      at = Checks.id(Checks.inode(surroundings, at).getParent());
    }
  }
}
