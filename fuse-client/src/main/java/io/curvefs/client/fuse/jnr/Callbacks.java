package io.curvefs.client.fuse.jnr;

import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.Delegate;
import org.jspecify.annotations.Nullable;

/**
 * The table of callbacks ({@code struct fuse_lowlevel_ops} of libfuse 2.9): where each has its
 * place, and the native functions that lead to ours. All arguments are passed as 64-bit numbers: an
 * upcall costs a quarter of a microsecond so. Of an argument that is narrower in C only the lower
 * bits count.
 */
final class Callbacks {
  /** Number of a callback in the table. */
  enum Place {
    LOOKUP(2),
    GETATTR(4),
    SETATTR(5),
    READLINK(6),
    MKNOD(7),
    MKDIR(8),
    UNLINK(9),
    RMDIR(10),
    SYMLINK(11),
    RENAME(12),
    LINK(13),
    OPEN(14),
    READ(15),
    WRITE(16),
    FLUSH(17),
    RELEASE(18),
    FSYNC(19),
    OPENDIR(20),
    READDIR(21),
    RELEASEDIR(22),
    FSYNCDIR(23),
    STATFS(24),
    SETXATTR(25),
    GETXATTR(26),
    LISTXATTR(27),
    REMOVEXATTR(28),
    CREATE(30),
    FALLOCATE(40);

    private final int index;

    Place(int index) {
      this.index = index;
    }
  }

  private static final int COUNT = 41;
  static final int BYTES = COUNT * 8;

  /** Callbacks by number of arguments. */
  public interface Two {
    @Delegate
    void call(long a, long b);
  }

  public interface Three {
    @Delegate
    void call(long a, long b, long c);
  }

  public interface Four {
    @Delegate
    void call(long a, long b, long c, long d);
  }

  public interface Five {
    @Delegate
    void call(long a, long b, long c, long d, long e);
  }

  public interface Six {
    @Delegate
    void call(long a, long b, long c, long d, long e, long f);
  }

  private final long address = Memory.allocate(BYTES);
  private final @Nullable AccessTrace trace;

  /** Native functions live as long as these objects do. */
  private final List<Object> held = new ArrayList<>();

  /**
   * @param trace notes each call; null: none is noted
   */
  Callbacks(@Nullable AccessTrace trace) {
    this.trace = trace;
  }

  long address() {
    return address;
  }

  void set(Place place, Two callback) {
    set(place, Two.class, trace == null ? callback : trace.traced(place, callback));
  }

  void set(Place place, Three callback) {
    set(place, Three.class, trace == null ? callback : trace.traced(place, callback));
  }

  void set(Place place, Four callback) {
    set(place, Four.class, trace == null ? callback : trace.traced(place, callback));
  }

  void set(Place place, Five callback) {
    set(place, Five.class, trace == null ? callback : trace.traced(place, callback));
  }

  void set(Place place, Six callback) {
    set(place, Six.class, trace == null ? callback : trace.traced(place, callback));
  }

  private <T> void set(Place place, Class<T> type, T callback) {
    Pointer function =
        Runtime.getSystemRuntime().getClosureManager().getClosurePointer(type, callback);
    held.add(callback);
    held.add(function);
    Memory.putLong(address + place.index * 8L, function.address());
  }
}
