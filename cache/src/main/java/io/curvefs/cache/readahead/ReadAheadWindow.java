package io.curvefs.cache.readahead;

import java.util.Optional;

/**
 * What one open file should fetch ahead of its reader. A reader is sequential while each read
 * starts near the end of the furthest one before it; near, because the kernel sends its 128 KiB
 * pieces a little out of order. From the second advance on it is asked to fetch a window ahead,
 * which doubles whenever half of it is used up. A read elsewhere ends that, and random readers are
 * asked for nothing.
 *
 * <p>Not thread-safe: the owner of the open file guards it.
 */
public final class ReadAheadWindow {
  /** The usual largest window: 32 MiB. */
  public static final long BYTES_MAX_DEFAULT = 32L << 20;

  static final long BYTES_MIN = 1L << 20;
  static final long NEAR_BYTES = 512L << 10;

  /** One request of the kernel when it reads a file through. */
  static final long RUN_BYTES_MIN = 128L << 10;

  private final long bytesMax;
  private long window;

  /** End of the furthest read of this run. */
  private long frontier;

  /** Everything of this run before here was read or asked for. */
  private long asked;

  /** Bytes by which the reads of this run moved the frontier. */
  private long advanced;

  /**
   * @param bytesMax how far ahead to fetch at most, 0 or more; 0 turns read-ahead off
   */
  public ReadAheadWindow(long bytesMax) {
    if (bytesMax < 0) {
      throw new IllegalArgumentException("not a read-ahead window: " + bytesMax + " bytes");
    }
    this.bytesMax = bytesMax;
    this.window = Math.min(BYTES_MIN, bytesMax);
  }

  /**
   * Notes a read and says what to fetch next. What was once answered in a run is not answered
   * again.
   *
   * @param offset start of the read, 0 or more
   * @param length bytes asked for, 0 or more
   * @param fileLength bytes of the file now
   * @return a range behind the read and within the file, if something is to be fetched
   */
  public Optional<FileRange> onRead(long offset, long length, long fileLength) {
    if (offset < 0 || length < 0) {
      throw new IllegalArgumentException("bad read: " + offset + "+" + length);
    }
    if (length == 0 || offset >= fileLength) {
      return Optional.empty();
    }
    long end = offset + Math.min(length, fileLength - offset);
    if (Math.abs(offset - frontier) > NEAR_BYTES) {
      restartAt(end);
      return Optional.empty();
    }
    if (end <= frontier) {
      return Optional.empty();
    }
    advanced += end - Math.max(frontier, offset);
    frontier = end;
    return advanced > RUN_BYTES_MIN ? askFor(fileLength) : Optional.empty();
  }

  /**
   * Whether the reader goes forward, so that whole blocks are worth reading: true once a run has
   * gone on for {@link #RUN_BYTES_MIN}. A look at a header, or at a record here and there, is not a
   * run.
   */
  public boolean sequential() {
    return advanced >= RUN_BYTES_MIN;
  }

  private Optional<FileRange> askFor(long fileLength) {
    asked = Math.max(asked, frontier);
    long target = frontier + Math.min(window, fileLength - frontier);
    if (asked - frontier > window / 2 || target <= asked) {
      return Optional.empty();
    }
    FileRange next = new FileRange(asked, target - asked);
    asked = target;
    window = Math.min(window * 2, bytesMax);
    return Optional.of(next);
  }

  private void restartAt(long end) {
    frontier = end;
    asked = end;
    advanced = 0;
    window = Math.min(BYTES_MIN, bytesMax);
  }
}
