package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.Link;

/** link(2). A directory is refused with EPERM. */
final class LinkOperation {
  /** Larger than any ext4 or xfs allows; nlink_t and our row hold more. */
  private static final int LINKS_MAX = 1_000_000;

  private LinkOperation() {}

  static Plan plan(Link link, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    Checks.name(link.getName());
    InodeId parent = Checks.id(link.getParent());
    InodeId id = Checks.id(link.getInode());
    Checks.directory(surroundings, parent);
    Inode inode = Checks.inode(surroundings, id);
    if (inode.getType() == FileType.DIRECTORY) {
      throw new RefusedException(Refusal.EPERM);
    }
    if (surroundings.dentry(parent, link.getName()) != null) {
      throw new RefusedException(Refusal.EEXIST);
    }
    if (inode.getNlink() == 0) {
      throw new RefusedException(Refusal.ENOENT);
    }
    if (inode.getNlink() >= LINKS_MAX) {
      throw new RefusedException(Refusal.EMLINK);
    }
    return Plan.builder()
        .step(
            id,
            Effect.newBuilder()
                .setChangeLinks(ChangeLinks.newBuilder().setInode(id.value()).setDelta(1)))
        .step(
            parent,
            Effect.newBuilder()
                .setInsertDentry(
                    InsertDentry.newBuilder()
                        .setParent(parent.value())
                        .setName(link.getName())
                        .setChild(id.value())
                        .setType(inode.getType())))
        .reply(
            id,
            inode.toBuilder()
                .setNlink(inode.getNlink() + 1)
                .setCtime(surroundings.time())
                .setVersion(inode.getVersion() + 1)
                .build())
        .parent(parent)
        .build();
  }
}
