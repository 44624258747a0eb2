package io.curvefs.cache.readahead;

import java.util.Optional;

/**
 * What to fetch ahead of one reader that goes forward. A read belongs to its run when it starts
 * near the end of the furthest one before it; near, because the kernel sends its 128 KiB pieces a
 * little out of order. The run is sequential while it leaves no more than half of the bytes out:
 * many random reads are near each other in a small file. Once it has gone on for a while it is
 * asked to fetch a window ahead, which grows whenever half of it is used up.
 *
 * <p>Not thread-safe: the owner of the open file guards it.
 */
final class ReadAheadWindow {
  static final long BYTES_MIN = 1L << 20;
  static final long NEAR_BYTES = 512L << 10;

  /** One request of the kernel when it reads a file through. */
  static final long RUN_BYTES_MIN = 128L << 10;

  /** What is shorter may be a record in a large file. */
  static final long LONG_BYTES_MIN = 1L << 20;

  /** How far back a run is judged by what it left out. */
  static final long MEMORY_BYTES = 2L << 20;

  private static final int GROWTH = 4;

  private long window = BYTES_MIN;

  /** Length of the range that was asked for last; 0: none. */
  private long lastAsked;

  /** Where the part of the run begins by which it is judged. */
  private long start;

  /** Bytes that were read between {@link #start} and {@link #frontier}. */
  private long covered;

  /** End of the furthest read of this run. */
  private long frontier;

  /** Everything of this run before here was read or asked for. */
  private long asked;

  /** Whether a read at this place would go on with the run. */
  boolean isNear(long offset) {
    return distance(offset) <= NEAR_BYTES;
  }

  /** From the end of the furthest read to this place. */
  long distance(long offset) {
    return Math.abs(offset - frontier);
  }

  /**
   * Notes a read and says what to fetch next. What was once answered in a run is not answered
   * again.
   *
   * @param offset start of the read, 0 or more
   * @param end of the read, behind its start
   * @param fileLength bytes of the file now, at least {@code end}
   * @param bytesMax how far ahead to fetch at most, 0 or more; 0 turns read-ahead off
   * @return a range behind the read and within the file, if something is to be fetched
   */
  Optional<FileRange> onRead(long offset, long end, long fileLength, long bytesMax) {
    if (!isNear(offset)) {
      restartAt(end);
      return Optional.empty();
    }
    boolean advances = end > frontier;
    frontier = Math.max(frontier, end);
    covered = Math.min(covered + Math.max(0, end - Math.max(offset, start)), frontier - start);
    forgetOld();
    return advances && covered > RUN_BYTES_MIN && sequential()
        ? askFor(fileLength, bytesMax)
        : Optional.empty();
  }

  private void forgetOld() {
    long length = frontier - start;
    if (length > MEMORY_BYTES) {
      long kept = MEMORY_BYTES / 2;
      covered = (long) ((double) covered / length * kept);
      start = frontier - kept;
    }
  }

  /**
   * Whether the reader goes forward, so that whole blocks are worth reading: true once a run has
   * gone on for {@link #RUN_BYTES_MIN}. A look at a header, or at a record here and there, is not a
   * run.
   */
  boolean sequential() {
    return covered >= RUN_BYTES_MIN && covered >= (frontier - start) / 2;
  }

  /** Whether a sequential run has gone on for more than a record, so that it will go on. */
  boolean isLong() {
    return covered >= LONG_BYTES_MIN && sequential();
  }

  private Optional<FileRange> askFor(long fileLength, long bytesMax) {
    asked = Math.max(asked, frontier);
    long target = frontier + Math.min(Math.min(window, bytesMax), fileLength - frontier);
    if (asked - frontier > lastAsked / 2 || target <= asked) {
      return Optional.empty();
    }
    FileRange next = new FileRange(asked, target - asked);
    asked = target;
    lastAsked = target - frontier;
    window = Math.max(BYTES_MIN, Math.min(window * GROWTH, bytesMax));
    return Optional.of(next);
  }

  private void restartAt(long end) {
    start = end;
    covered = 0;
    frontier = end;
    asked = end;
    lastAsked = 0;
    window = BYTES_MIN;
  }
}
