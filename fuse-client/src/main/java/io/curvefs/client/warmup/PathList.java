package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The paths that a job was given, in a file: each with a NUL behind it. A path of the mount begins
 * with '/'; one that is not in the mount has {@link #OUTSIDE} before it and is told of as it is.
 */
public final class PathList implements AutoCloseable {
  /** Stands before what is not a path of the mount. */
  public static final char OUTSIDE = '!';

  /** Of one path: beyond what any kernel takes. */
  private static final int PATH_BYTES_MAX = 64 << 10;

  private final InputStream in;

  PathList(Path file) throws IOException {
    this.in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
  }

  /** The next one; null: that was all. */
  @Nullable ByteString next() throws IOException {
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    while (true) {
      int b = in.read();
      if (b < 0) {
        return path.size() == 0 ? null : ByteString.copyFrom(path.toByteArray());
      }
      if (b == 0) {
        if (path.size() == 0) {
          continue;
        }
        return ByteString.copyFrom(path.toByteArray());
      }
      if (path.size() < PATH_BYTES_MAX) {
        path.write(b);
      }
    }
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
