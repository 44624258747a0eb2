package io.curvefs.metaserver.operation;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.proto.Effect;
import io.curvefs.proto.RemoveXattr;
import io.curvefs.proto.SetXattr;
import java.util.List;

/** setxattr(2) and removexattr(2). Whether the attribute exists is a condition of the effect. */
final class XattrOperation {
  /** XATTR_NAME_MAX and XATTR_SIZE_MAX of Linux. */
  private static final int NAME_BYTES_MAX = 255;

  private static final int VALUE_BYTES_MAX = 64 << 10;

  /** XATTR_LIST_MAX: all names, each with its terminating NUL. */
  private static final int NAMES_BYTES_MAX = 64 << 10;

  private XattrOperation() {}

  static Plan plan(SetXattr set, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    checkName(set.getName());
    if (set.getValue().size() > VALUE_BYTES_MAX) {
      throw new RefusedException(Refusal.E2BIG);
    }
    InodeId id = Checks.id(set.getInode());
    Checks.inode(surroundings, id);
    boolean exists = surroundings.hasXattr(id, set.getName());
    if (exists && set.getMustBeNew()) {
      throw new RefusedException(Refusal.EEXIST);
    }
    if (!exists && set.getMustExist()) {
      throw new RefusedException(Refusal.ENODATA);
    }
    if (!exists && !fits(set.getName(), surroundings.xattrNames(id))) {
      throw new RefusedException(Refusal.ENOSPC); // listxattr could not return them all
    }
    return Plan.builder().step(id, Effect.newBuilder().setSetXattr(set)).reply(id, null).build();
  }

  static Plan plan(RemoveXattr remove, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    checkName(remove.getName());
    InodeId id = Checks.id(remove.getInode());
    Checks.inode(surroundings, id);
    if (!surroundings.hasXattr(id, remove.getName())) {
      throw new RefusedException(Refusal.ENODATA);
    }
    return Plan.builder()
        .step(id, Effect.newBuilder().setRemoveXattr(remove))
        .reply(id, null)
        .build();
  }

  /** Names that are added at the same moment may exceed the number; listings then lack them. */
  private static boolean fits(ByteString name, List<ByteString> others) {
    int bytes = others.stream().mapToInt(other -> other.size() + 1).sum();
    return others.size() < Namespace.XATTRS_MAX && bytes + name.size() < NAMES_BYTES_MAX;
  }

  private static void checkName(ByteString name) throws RefusedException {
    if (name.isEmpty() || name.size() > NAME_BYTES_MAX) {
      throw new RefusedException(Refusal.ERANGE);
    }
  }
}
