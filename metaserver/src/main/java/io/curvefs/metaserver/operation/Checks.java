package io.curvefs.metaserver.operation;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.StagedBlocks;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.space.BlockRange;
import java.util.List;

/** What several operations demand of their arguments. */
final class Checks {
  /** NAME_MAX of Linux. */
  private static final int NAME_BYTES_MAX = 255;

  private static final ByteString DOT = ByteString.copyFromUtf8(".");
  private static final ByteString DOT_DOT = ByteString.copyFromUtf8("..");

  private Checks() {}

  /** A name that a directory may hold: any bytes but '/' and NUL. */
  static void name(ByteString name) throws RefusedException {
    if (name.size() > NAME_BYTES_MAX) {
      throw new RefusedException(Refusal.ENAMETOOLONG);
    }
    boolean dots = name.equals(DOT) || name.equals(DOT_DOT);
    if (name.isEmpty() || dots) {
      throw new RefusedException(Refusal.EINVAL);
    }
    for (int i = 0; i < name.size(); i++) {
      if (name.byteAt(i) == '/' || name.byteAt(i) == 0) {
        throw new RefusedException(Refusal.EINVAL);
      }
    }
  }

  static InodeId id(long value) throws RefusedException {
    if (value <= 0) {
      throw new RefusedException(Refusal.BAD_REQUEST, "not an inode id: " + value);
    }
    return new InodeId(value);
  }

  static Inode inode(Surroundings surroundings, InodeId id)
      throws RefusedException, CannotPlanYetException {
    Inode inode = surroundings.inode(id);
    if (inode == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    return inode;
  }

  /** A file whose blocks are on volumes. */
  static Inode fileOnVolumes(Surroundings surroundings, InodeId id)
      throws RefusedException, CannotPlanYetException {
    volumes(surroundings);
    Inode inode = inode(surroundings, id);
    if (inode.getType() != FileType.REGULAR) {
      throw new RefusedException(Refusal.EINVAL);
    }
    return inode;
  }

  /**
   * A file whose blocks may be moved: who writes to them in place would lose what he wrote.
   *
   * @throws RefusedException EBUSY when somebody may have it open
   */
  static void closed(Surroundings surroundings, InodeId id) throws RefusedException {
    if (surroundings.mayBeOpen(id)) {
      throw new RefusedException(Refusal.EBUSY, "inode " + id + " may be open");
    }
  }

  static VolumeStorage volumes(Surroundings surroundings) throws RefusedException {
    VolumeStorage volumes = surroundings.volumes();
    if (volumes == null) {
      throw new RefusedException(
          Refusal.BAD_REQUEST, "files of this file system are in an object store");
    }
    return volumes;
  }

  /** Blocks that a volume can have. */
  static BlockRange blocks(long address, int count) throws RefusedException {
    try {
      return new BlockRange(address, count);
    } catch (IllegalArgumentException e) {
      throw new RefusedException(Refusal.BAD_REQUEST, String.valueOf(e.getMessage()));
    }
  }

  /** Blocks of journals that have a writer. */
  static void staged(List<StagedBlocks> staged) throws RefusedException {
    for (StagedBlocks blocks : staged) {
      boolean ordered = blocks.getFirst() >= 0 && blocks.getFirst() <= blocks.getLast();
      if (blocks.getWriter() == 0 || blocks.getLast() <= 0 || !ordered) {
        throw new RefusedException(Refusal.BAD_REQUEST, "not blocks of a journal");
      }
    }
  }

  static Inode directory(Surroundings surroundings, InodeId id)
      throws RefusedException, CannotPlanYetException {
    Inode inode = inode(surroundings, id);
    if (inode.getType() != FileType.DIRECTORY) {
      throw new RefusedException(Refusal.ENOTDIR);
    }
    return inode;
  }

  static Dentry dentry(Surroundings surroundings, InodeId parent, ByteString name)
      throws RefusedException, CannotPlanYetException {
    Dentry dentry = surroundings.dentry(parent, name);
    if (dentry == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    return dentry;
  }
}
