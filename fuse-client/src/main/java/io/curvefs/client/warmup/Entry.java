package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * A name that a job has met, as it is kept in a file between the job's passes and for those who ask
 * what became of it.
 *
 * @param path in the mount, beginning with '/'; what was given, of {@link Kind#OUTSIDE}
 * @param after of {@link Kind#UNLISTED}: the name behind which the listing failed
 * @param reason why it was not cached; empty where nothing is known against it
 * @param inode 0: not known
 * @param length bytes, of {@link Kind#FILE}
 */
record Entry(Kind kind, ByteString path, ByteString after, String reason, long inode, long length) {
  /** What is known of it. */
  enum Kind {
    FILE(1),
    DIRECTORY(2),
    /** The rest of a directory, which could not be listed. */
    UNLISTED(3),
    /** There was nothing, or it could not be looked at. */
    MISSING(4),
    /** The path is not in the mount. */
    OUTSIDE(5),
    /** Not to be cached, for a good reason. */
    SKIPPED(6);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    /** The number in files. */
    int code() {
      return code;
    }

    static @Nullable Kind of(int code) {
      for (Kind kind : values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      return null;
    }
  }

  static Entry of(Kind kind, ByteString path, String reason) {
    return new Entry(kind, path, ByteString.EMPTY, reason, 0, 0);
  }
}
