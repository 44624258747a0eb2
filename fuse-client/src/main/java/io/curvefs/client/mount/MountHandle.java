package io.curvefs.client.mount;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Runtime;

/** A mount on this host as commands see it: they talk to it through attributes of its root. */
public final class MountHandle {
  private static final int VALUE_BYTES_MAX = 64 << 10;

  /** EOPNOTSUPP and ENODATA: the file system is not one of ours, or an older one. */
  private static final int NOT_SUPPORTED = 95;

  private static final int NO_DATA = 61;

  /** ENOTCONN: the one answer that says that no process is there; any other came from one. */
  private static final int NOT_CONNECTED = 107;

  /** EACCES and EPERM. */
  private static final int PERMISSION_DENIED = 13;

  private static final int NOT_PERMITTED = 1;

  /** EROFS: the kernel lets nobody set anything. */
  private static final int READ_ONLY = 30;

  private static final LibC LIBC = LibraryLoader.create(LibC.class).load("c");

  private final Path root;
  private final String source;

  /** Of libc; see getxattr(2). */
  public interface LibC {
    long getxattr(String path, String name, byte[] value, long size);

    int setxattr(String path, String name, byte[] value, long size, int flags);
  }

  private MountHandle(Path root, String source) {
    this.root = root;
    this.source = source;
  }

  /**
   * The mount that a path lies in.
   *
   * @throws IOException when it lies in none
   */
  public static MountHandle containing(Path path) throws IOException {
    Optional<MountTable.Entry> entry = MountTable.containing(path);
    if (entry.isEmpty()) {
      throw new IOException(
          path + " is not in a CurveFS mount: 'grep fuse.curvefs /proc/mounts' lists them");
    }
    return new MountHandle(entry.get().point(), entry.get().source());
  }

  /** All CurveFS mounts of this host, as far as this process sees them. */
  public static List<MountHandle> all() throws IOException {
    List<MountHandle> all = new ArrayList<>();
    for (MountTable.Entry entry : MountTable.all()) {
      all.add(new MountHandle(entry.point(), entry.source()));
    }
    return all;
  }

  public Path root() {
    return root;
  }

  /**
   * The mount's process.
   *
   * @throws DeadMountException when there is none any more
   * @throws IOException when it does not say; it may be alive all the same
   */
  public long pid() throws IOException {
    return Long.parseLong(get(MountControl.PID));
  }

  /** Endpoint and bucket. */
  public String bucket() throws IOException {
    return get(MountControl.BUCKET);
  }

  /**
   * Whether it is still there.
   *
   * @throws IOException when it is not: one line that says so
   */
  public void requirePresent() throws IOException {
    if (MountTable.at(root).filter(MountTable.Entry::isCurveFs).isEmpty()) {
      throw new IOException("the mount at " + root + " is gone: it was unmounted");
    }
  }

  /** Where it writes its access log; empty when it writes none. */
  public Optional<Path> accessLog() throws IOException {
    return Optional.of(get(MountControl.ACCESS_LOG))
        .filter(path -> !path.isEmpty())
        .map(path -> Path.of(path));
  }

  /** The metaservers that it was mounted from, and its file system. */
  public MountSpec spec() {
    return MountSpec.ofDisplay(source);
  }

  /** Everything it counts; docs/metrics.md explains each. */
  public Map<String, Double> statistics() throws IOException {
    Map<String, Double> values = new TreeMap<>();
    get(MountControl.STATS)
        .lines()
        .forEach(
            line -> {
              int blank = line.lastIndexOf(' ');
              values.put(line.substring(0, blank), Double.parseDouble(line.substring(blank + 1)));
            });
    return values;
  }

  /** What waits in the mount's write-back journal; empty: it has none. */
  public Optional<Staged> staged() throws IOException {
    return StagedText.parse(get(MountControl.WRITEBACK));
  }

  /**
   * What is written and acknowledged, but not yet in the object store.
   *
   * @param directory of the journal
   * @param failure why the last attempt to upload failed; empty: it did not
   */
  public record Staged(long files, long bytes, String directory, String failure) {}

  /** Has what waits in the journal stay there when the mount ends. */
  public void leaveStaged() throws IOException {
    setAttribute(MountControl.WRITEBACK, MountControl.LEAVE.getBytes(StandardCharsets.UTF_8));
  }

  /** Empties every cache of the mount: the next reads are cold. */
  public void dropCaches() throws IOException {
    drop("1");
  }

  /** Empties memory, the kernel's too: the next reads come from what lies below, if it is there. */
  public void dropMemory() throws IOException {
    drop(MountControl.MEMORY_ONLY);
  }

  private void drop(String what) throws IOException {
    try {
      setAttribute(MountControl.DROP_CACHES, what.getBytes(StandardCharsets.UTF_8));
    } catch (AttributeException e) {
      if (e.errno != READ_ONLY) {
        throw e;
      }
      attribute(MountControl.DROP_CACHES_BY_ASKING + what);
    }
  }

  private String get(String name) throws IOException {
    return new String(attribute(name), StandardCharsets.UTF_8);
  }

  /** The mount did not do what it was asked for, or did not answer. */
  static final class AttributeException extends IOException {
    private static final long serialVersionUID = 1;
    final int errno;

    AttributeException(String message, int errno) {
      super(message);
      this.errno = errno;
    }
  }

  /**
   * The value of an attribute of the root.
   *
   * @throws AttributeException with the errno
   */
  byte[] attribute(String name) throws IOException {
    byte[] value = new byte[VALUE_BYTES_MAX];
    long length = LIBC.getxattr(root.toString(), name, value, value.length);
    if (length < 0) {
      throw failed();
    }
    return Arrays.copyOf(value, (int) length);
  }

  /**
   * Sets an attribute of the root.
   *
   * @throws AttributeException with the errno
   */
  void setAttribute(String name, byte[] value) throws IOException {
    if (LIBC.setxattr(root.toString(), name, value, value.length, 0) != 0) {
      throw failed();
    }
  }

  private IOException failed() {
    int errno = LastError.getLastError(Runtime.getSystemRuntime());
    if (errno == NOT_CONNECTED) {
      return new DeadMountException(root);
    }
    if (errno == PERMISSION_DENIED || errno == NOT_PERMITTED) {
      return new AttributeException(
          "permission denied: this is for who may write to the directory " + root, errno);
    }
    return new AttributeException(
        errno == NOT_SUPPORTED || errno == NO_DATA
            ? "the mount at " + root + " does not know this question: is it of an older version?"
            : "the mount at " + root + " does not answer (errno " + errno + "): its log says why",
        errno);
  }
}
