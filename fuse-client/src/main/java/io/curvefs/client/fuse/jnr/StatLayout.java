package io.curvefs.client.fuse.jnr;

import io.curvefs.client.meta.Attributes;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Timestamp;
import jnr.ffi.Platform;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FileStat;

/** Attributes as {@code struct stat}. Offsets are jnr-fuse's for the platform. */
final class StatLayout {
  private static final int BLOCK_BYTES = 512;

  /** What programs should read and write at once: one FUSE request. */
  private static final int PREFERRED_IO_BYTES = 128 << 10;

  private static final FileStat LAYOUT = new FileStat(Runtime.getSystemRuntime());
  static final int BYTES = Struct.size(LAYOUT);
  private static final long INO = LAYOUT.st_ino.offset();
  private static final long NLINK = LAYOUT.st_nlink.offset();
  private static final long MODE = LAYOUT.st_mode.offset();
  private static final long UID = LAYOUT.st_uid.offset();
  private static final long GID = LAYOUT.st_gid.offset();
  private static final long RDEV = LAYOUT.st_rdev.offset();
  private static final long SIZE = LAYOUT.st_size.offset();
  private static final long BLKSIZE = LAYOUT.st_blksize.offset();
  private static final long BLOCKS = LAYOUT.st_blocks.offset();
  private static final long ATIME = LAYOUT.st_atim.tv_sec.offset();
  private static final long ATIME_NANOS = LAYOUT.st_atim.tv_nsec.offset();
  private static final long MTIME = LAYOUT.st_mtim.tv_sec.offset();
  private static final long MTIME_NANOS = LAYOUT.st_mtim.tv_nsec.offset();
  private static final long CTIME = LAYOUT.st_ctim.tv_sec.offset();
  private static final long CTIME_NANOS = LAYOUT.st_ctim.tv_nsec.offset();
  private static final boolean WIDE_NLINK =
      Platform.getNativePlatform().getCPU() == Platform.CPU.X86_64;

  private static final int PERMISSIONS = 07777;

  // to_set of setattr, fuse_lowlevel.h
  private static final int SET_MODE = 1;
  private static final int SET_UID = 1 << 1;
  private static final int SET_GID = 1 << 2;
  private static final int SET_SIZE = 1 << 3;
  private static final int SET_ATIME = 1 << 4;
  private static final int SET_MTIME = 1 << 5;
  private static final int SET_ATIME_NOW = 1 << 7;
  private static final int SET_MTIME_NOW = 1 << 8;

  private StatLayout() {}

  static void write(long stat, Attributes attributes) {
    Memory.clear(stat, BYTES);
    Memory.putLong(stat + INO, attributes.id().value());
    if (WIDE_NLINK) {
      Memory.putLong(stat + NLINK, attributes.nlink());
    } else {
      Memory.putInt(stat + NLINK, attributes.nlink());
    }
    Memory.putInt(stat + MODE, typeBits(attributes.type()) | attributes.mode());
    Memory.putInt(stat + UID, attributes.uid());
    Memory.putInt(stat + GID, attributes.gid());
    Memory.putLong(stat + RDEV, attributes.rdev() & 0xFFFF_FFFFL);
    Memory.putLong(stat + SIZE, attributes.length());
    Memory.putLong(stat + BLKSIZE, PREFERRED_IO_BYTES);
    Memory.putLong(stat + BLOCKS, (attributes.allocated() + BLOCK_BYTES - 1) / BLOCK_BYTES);
    Memory.putLong(stat + ATIME, attributes.atimeSeconds());
    Memory.putLong(stat + ATIME_NANOS, attributes.atimeNanos());
    Memory.putLong(stat + MTIME, attributes.mtimeSeconds());
    Memory.putLong(stat + MTIME_NANOS, attributes.mtimeNanos());
    Memory.putLong(stat + CTIME, attributes.ctimeSeconds());
    Memory.putLong(stat + CTIME_NANOS, attributes.ctimeNanos());
  }

  /** S_IFMT bits of a type, inode(7). */
  static int typeBits(FileType type) {
    return switch (type) {
      case REGULAR -> 0100000;
      case DIRECTORY -> 0040000;
      case SYMLINK -> 0120000;
      case FIFO -> 0010000;
      case SOCKET -> 0140000;
      case CHARACTER_DEVICE -> 0020000;
      case BLOCK_DEVICE -> 0060000;
      case FILE_TYPE_UNKNOWN, UNRECOGNIZED -> 0;
    };
  }

  /** The type of a mode as mknod(2) takes it; no type bits mean a regular file. */
  static FileType typeOf(int mode) {
    return switch (mode & 0170000) {
      case 0, 0100000 -> FileType.REGULAR;
      case 0010000 -> FileType.FIFO;
      case 0140000 -> FileType.SOCKET;
      case 0020000 -> FileType.CHARACTER_DEVICE;
      case 0060000 -> FileType.BLOCK_DEVICE;
      default -> FileType.FILE_TYPE_UNKNOWN;
    };
  }

  static int permissions(int mode) {
    return mode & PERMISSIONS;
  }

  /** What a setattr asks for. */
  static SetAttributes.Builder read(long inode, long stat, int toSet, Timestamp now) {
    SetAttributes.Builder set = SetAttributes.newBuilder().setInode(inode);
    if ((toSet & SET_MODE) != 0) {
      set.setMode(permissions(Memory.getInt(stat + MODE)));
    }
    if ((toSet & SET_UID) != 0) {
      set.setUid(Memory.getInt(stat + UID));
    }
    if ((toSet & SET_GID) != 0) {
      set.setGid(Memory.getInt(stat + GID));
    }
    if ((toSet & SET_SIZE) != 0) {
      set.setLength(Memory.getLong(stat + SIZE));
    }
    if ((toSet & SET_ATIME_NOW) != 0) {
      set.setAtime(now);
    } else if ((toSet & SET_ATIME) != 0) {
      set.setAtime(time(stat + ATIME, stat + ATIME_NANOS));
    }
    if ((toSet & SET_MTIME_NOW) != 0) {
      set.setMtime(now);
    } else if ((toSet & SET_MTIME) != 0) {
      set.setMtime(time(stat + MTIME, stat + MTIME_NANOS));
    }
    return set;
  }

  private static Timestamp time(long seconds, long nanos) {
    return Timestamp.newBuilder()
        .setSeconds(Memory.getLong(seconds))
        .setNanos((int) Memory.getLong(nanos))
        .build();
  }
}
