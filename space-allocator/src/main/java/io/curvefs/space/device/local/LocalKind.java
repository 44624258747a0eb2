package io.curvefs.space.device.local;

import io.curvefs.space.device.posix.Errno;
import io.curvefs.space.device.posix.LibC;
import io.curvefs.space.device.posix.NativeMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What plain files and block devices do differently. */
enum LocalKind {
  FILE(0100000, "plain file") {
    @Override
    String whenMissing(Path path) {
      return "Create it with its full size: truncate -s 100G " + path;
    }

    @Override
    int tryDiscard(int descriptor, long offset, long length) {
      int mode = LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE;
      return LibC.INSTANCE.fallocate(descriptor, mode, offset, length);
    }
  },
  BLOCK(0060000, "block device") {
    @Override
    String whenMissing(Path path) {
      return "Map the volume on this host first; 'lsblk' lists its block devices.";
    }

    @Override
    int tryDiscard(int descriptor, long offset, long length) {
      long range = NativeMemory.allocate(2L * Long.BYTES);
      try {
        NativeMemory.putLong(range, offset);
        NativeMemory.putLong(range + Long.BYTES, length);
        return LibC.INSTANCE.ioctl(descriptor, LibC.BLKDISCARD, range);
      } finally {
        NativeMemory.free(range);
      }
    }
  };

  private static final int TYPE_MASK = 0170000;

  private final int type;
  private final String words;

  LocalKind(int type, String words) {
    this.type = type;
    this.words = words;
  }

  abstract String whenMissing(Path path);

  abstract int tryDiscard(int descriptor, long offset, long length);

  /** A descriptor for reading and writing. */
  int open(String name, Path path, boolean direct) throws IOException {
    try {
      int mode = (Integer) Files.getAttribute(path, "unix:mode");
      if ((mode & TYPE_MASK) != type) {
        throw new IOException(
            name + ": " + path + " is no " + words + ". " + other(mode & TYPE_MASK, path));
      }
    } catch (NoSuchFileException e) {
      throw new IOException(name + ": there is no " + path + ". " + whenMissing(path), e);
    }
    int flags = LibC.O_RDWR | LibC.O_CLOEXEC | (direct ? directFlag() : 0);
    int descriptor = LibC.INSTANCE.open(path.toString(), flags, 0);
    if (descriptor < 0) {
      throw refusal(name, path, Errno.last(), direct);
    }
    return descriptor;
  }

  private static String other(int type, Path path) {
    if (type == FILE.type) {
      return "Say file://" + path;
    }
    if (type == BLOCK.type) {
      return "Say block://" + path;
    }
    return "A volume is a plain file (file:///path) or a block device (block:///dev/name).";
  }

  /** O_DIRECT has a number of its own on ARM. */
  private static int directFlag() {
    String machine = System.getProperty("os.arch", "");
    return machine.equals("aarch64") || machine.startsWith("arm") ? 0x10000 : 0x4000;
  }

  private static IOException refusal(String name, Path path, int errno, boolean direct) {
    String remedy =
        switch (errno) {
          case Errno.EACCES, Errno.EPERM ->
              "Run as a user who may read and write " + path + " (see 'ls -lL " + path + "').";
          case Errno.EROFS -> "It can only be read; a volume must be written too.";
          case Errno.EBUSY -> "Another program holds it.";
          case Errno.ENXIO -> "There is no device behind it: map the volume first.";
          case Errno.EINVAL ->
              direct
                  ? "It does not allow direct I/O (O_DIRECT), which a volume shared by hosts needs."
                  : "";
          default -> "";
        };
    return new IOException(name + ": opening " + path + ": " + Errno.text(errno) + ". " + remedy);
  }

  /** Whether the range was discarded; false where that is not supported. */
  boolean discard(String name, int descriptor, long offset, long length) throws IOException {
    while (tryDiscard(descriptor, offset, length) != 0) {
      int errno = Errno.last();
      if (errno == Errno.EOPNOTSUPP || errno == Errno.ENOSYS) {
        return false;
      }
      if (errno != Errno.EINTR) {
        throw new IOException(name + ": discarding at " + offset + ": " + Errno.text(errno));
      }
    }
    return true;
  }
}
