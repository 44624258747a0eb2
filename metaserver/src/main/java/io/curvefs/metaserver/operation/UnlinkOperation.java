package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.RemoveDentry;
import io.curvefs.proto.Unlink;

/** unlink(2). A directory is refused with EISDIR, as Linux does. */
final class UnlinkOperation {
  private UnlinkOperation() {}

  static Plan plan(Unlink unlink, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    InodeId parent = Checks.id(unlink.getParent());
    Checks.directory(surroundings, parent);
    Dentry dentry = Checks.dentry(surroundings, parent, unlink.getName());
    if (dentry.getType() == FileType.DIRECTORY) {
      throw new RefusedException(Refusal.EISDIR);
    }
    InodeId child = Checks.id(dentry.getChild());
    return Plan.builder()
        .step(
            parent,
            Effect.newBuilder()
                .setRemoveDentry(
                    RemoveDentry.newBuilder()
                        .setParent(parent.value())
                        .setName(unlink.getName())
                        .setChild(child.value())
                        .setType(dentry.getType())))
        .step(
            child,
            Effect.newBuilder()
                .setChangeLinks(ChangeLinks.newBuilder().setInode(child.value()).setDelta(-1)))
        .reply(child, null)
        .parent(parent)
        .build();
  }
}
