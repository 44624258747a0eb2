package io.curvefs.cache.readahead;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * What one open file should fetch ahead of its readers: several threads may each read another part
 * of it through one handle. Every read goes on with the stream whose end is nearest, or begins a
 * new one. Those that were found sequential and those that were not have places of their own, so
 * that random reads do not push streams out.
 *
 * <p>Not thread-safe: the owner of the open file guards it.
 */
public final class ReadStreams {
  /** The usual largest window: 32 MiB. */
  public static final long BYTES_MAX_DEFAULT = 32L << 20;

  /** Streams remembered of each kind. */
  static final int STREAMS_MAX = 8;

  /** A stream counts as going on while it was read within so many reads of the file. */
  static final int ACTIVE_READS = 64;

  private final long bytesMax;

  /** Sequential ones, least recently read first. */
  private final Deque<Stream> streams = new ArrayDeque<>();

  /** Those that may become sequential, least recently read first. */
  private final Deque<Stream> candidates = new ArrayDeque<>();

  private long reads;

  private static final class Stream {
    final ReadAheadWindow window = new ReadAheadWindow();
    long lastRead;
  }

  /**
   * What to do about a read.
   *
   * @param ahead range behind the read to fetch, if any
   * @param sequential whether the read is part of a longer one, so that whole blocks are worth
   *     fetching from far away
   * @param goesOn whether it has been going on for so long that whole blocks are worth reading even
   *     from a disk of this host
   */
  public record Advice(Optional<FileRange> ahead, boolean sequential, boolean goesOn) {
    static final Advice NONE = new Advice(Optional.empty(), false, false);
  }

  /**
   * @param bytesMax how far ahead of all its readers together the file is fetched at most, 0 or
   *     more; 0 turns read-ahead off
   */
  public ReadStreams(long bytesMax) {
    if (bytesMax < 0) {
      throw new IllegalArgumentException("not a read-ahead window: " + bytesMax + " bytes");
    }
    this.bytesMax = bytesMax;
    candidates.add(new Stream()); // whoever begins at the beginning goes on with it
  }

  /**
   * Notes a read.
   *
   * @param offset start of the read, 0 or more
   * @param length bytes asked for, 0 or more
   * @param fileLength bytes of the file now
   */
  public Advice onRead(long offset, long length, long fileLength) {
    if (offset < 0 || length < 0) {
      throw new IllegalArgumentException("bad read: " + offset + "+" + length);
    }
    if (length == 0 || offset >= fileLength) {
      return Advice.NONE;
    }
    long end = offset + Math.min(length, fileLength - offset);
    Stream stream = nearest(offset);
    stream.lastRead = ++reads;
    long share = bytesMax / Math.max(1, active());
    Optional<FileRange> ahead = stream.window.onRead(offset, end, fileLength, share);
    boolean sequential = stream.window.sequential();
    (sequential ? streams : candidates).addLast(stream);
    if (streams.size() > STREAMS_MAX) {
      streams.removeFirst();
    }
    if (candidates.size() > STREAMS_MAX) {
      candidates.removeFirst();
    }
    return new Advice(ahead, sequential, stream.window.isLong());
  }

  /** Takes out the stream that the read goes on with, or a new one. */
  private Stream nearest(long offset) {
    Stream nearest = null;
    for (Deque<Stream> some : List.of(streams, candidates)) {
      for (Stream stream : some) {
        if (stream.window.isNear(offset)
            && (nearest == null
                || stream.window.distance(offset) < nearest.window.distance(offset))) {
          nearest = stream;
        }
      }
    }
    if (nearest == null) {
      return new Stream();
    }
    if (!streams.remove(nearest)) {
      candidates.remove(nearest);
    }
    return nearest;
  }

  private int active() {
    int active = 1; // the one that reads now
    for (Stream stream : streams) {
      if (reads - stream.lastRead < ACTIVE_READS) {
        active++;
      }
    }
    return active;
  }
}
