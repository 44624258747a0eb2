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
    FILE,
    DIRECTORY,
    /** The rest of a directory, which could not be listed. */
    UNLISTED,
    /** There was nothing, or it could not be looked at. */
    MISSING,
    /** The path is not in the mount. */
    OUTSIDE,
    /** Not to be cached, for a good reason. */
    SKIPPED;

    private static final Kind[] ALL = values();

    static @Nullable Kind of(int number) {
      return number >= 0 && number < ALL.length ? ALL[number] : null;
    }
  }

  static Entry of(Kind kind, ByteString path, String reason) {
    return new Entry(kind, path, ByteString.EMPTY, reason, 0, 0);
  }
}
