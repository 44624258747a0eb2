package io.curvefs.client.fuse.jnr;

import io.curvefs.client.accesslog.AccessLog;
import io.curvefs.client.accesslog.AccessRecord;
import io.curvefs.client.fuse.jnr.Callbacks.Five;
import io.curvefs.client.fuse.jnr.Callbacks.Four;
import io.curvefs.client.fuse.jnr.Callbacks.Place;
import io.curvefs.client.fuse.jnr.Callbacks.Six;
import io.curvefs.client.fuse.jnr.Callbacks.Three;
import io.curvefs.client.fuse.jnr.Callbacks.Two;
import io.curvefs.error.Refusal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;

/**
 * Puts itself between libfuse and the operations, and notes each request in the access log. A mount
 * without that log has nothing of this on its way. Thread-safe.
 */
final class AccessTrace {
  private final AccessLog log;
  private final LibFuse libFuse;
  private final InstantSource clock;

  /** The errno that this thread's request was answered with; 0: none. */
  private final ThreadLocal<int[]> errno = ThreadLocal.withInitial(() -> new int[1]);

  AccessTrace(AccessLog log, LibFuse libFuse, InstantSource clock) {
    this.log = log;
    this.libFuse = libFuse;
    this.clock = clock;
  }

  /** What is to be noted before the answer, with which libfuse frees the request. */
  private record Begun(Instant time, long nanos, long uid, long gid, long pid) {}

  /** This thread answers its request with an errno. */
  void failed(int code) {
    errno.get()[0] = code;
  }

  private Begun begin(long request) {
    errno.get()[0] = 0;
    long context = libFuse.fuse_req_ctx(request); // struct fuse_ctx: uid, gid, pid
    return new Begun(
        clock.instant(),
        System.nanoTime(),
        Integer.toUnsignedLong(Memory.getInt(context)),
        Integer.toUnsignedLong(Memory.getInt(context + 4)),
        Integer.toUnsignedLong(Memory.getInt(context + 8)));
  }

  private void end(Place place, Begun begun, long inode, String details) {
    int code = errno.get()[0];
    log.add(
        new AccessRecord(
            begun.time,
            begun.uid,
            begun.gid,
            begun.pid,
            place.name().toLowerCase(Locale.ROOT),
            inode,
            details,
            code == 0 ? AccessRecord.OK : Refusal.ofCode(code).name(),
            (System.nanoTime() - begun.nanos) / 1000));
  }

  Two traced(Place place, Two inner) {
    return (request, b) -> {
      Begun begun = begin(request);
      inner.call(request, b);
      end(place, begun, b, "");
    };
  }

  Three traced(Place place, Three inner) {
    return (request, b, c) -> {
      Begun begun = begin(request);
      inner.call(request, b, c);
      end(place, begun, b, details(place, c, 0, 0));
    };
  }

  Four traced(Place place, Four inner) {
    return (request, b, c, d) -> {
      Begun begun = begin(request);
      inner.call(request, b, c, d);
      if (place == Place.SYMLINK) { // the only one whose directory does not come first
        end(place, begun, c, name(d) + " to " + name(b));
      } else {
        end(place, begun, b, details(place, c, d, 0));
      }
    };
  }

  Five traced(Place place, Five inner) {
    return (request, b, c, d, e) -> {
      Begun begun = begin(request);
      inner.call(request, b, c, d, e);
      end(place, begun, b, details(place, c, d, e));
    };
  }

  Six traced(Place place, Six inner) {
    return (request, b, c, d, e, f) -> {
      Begun begun = begin(request);
      inner.call(request, b, c, d, e, f);
      end(place, begun, b, details(place, c, d, e));
    };
  }

  /** From the arguments behind request and inode, whose memory is there until we return. */
  private static String details(Place place, long c, long d, long e) {
    return switch (place) {
      case LOOKUP, UNLINK, RMDIR, GETXATTR, REMOVEXATTR -> name(c);
      case MKNOD, MKDIR, CREATE -> name(c) + ", mode " + Integer.toOctalString((int) d);
      case RENAME -> name(c) + " to inode " + d + ", " + name(e);
      case LINK -> "to inode " + c + ", " + name(d);
      case READ, READDIR -> c + " B at " + d;
      case WRITE -> d + " B at " + e;
      case SETXATTR -> name(c) + ", " + e + " B";
      case FALLOCATE -> e + " B at " + d + ", mode " + c;
      case SYMLINK ->
          throw new IllegalStateException("the arguments of symlink have another order");
      case GETATTR,
          SETATTR,
          READLINK,
          OPEN,
          FLUSH,
          RELEASE,
          FSYNC,
          OPENDIR,
          RELEASEDIR,
          FSYNCDIR,
          STATFS,
          LISTXATTR ->
          "";
    };
  }

  /** Quoted; what would break a line or end the quotes is written as {@code \xNN}. */
  private static String name(long address) {
    String text = new String(Memory.string(address), StandardCharsets.UTF_8);
    StringBuilder quoted = new StringBuilder(text.length() + 2).append('\'');
    for (int i = 0; i < text.length(); i++) {
      char next = text.charAt(i);
      if (Character.isISOControl(next) || next == '\'' || next == '\\') {
        quoted.append(String.format(Locale.ROOT, "\\x%02x", (int) next));
      } else {
        quoted.append(next);
      }
    }
    return quoted.append('\'').toString();
  }
}
