package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.readahead.FileRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Committed bytes that are fetched before somebody who reads on and on asks for them, of all files
 * of a mount, in pieces of the longest transfer. A piece goes once it was read, when its file
 * changes, when nobody came for it, and when the memory is needed. Thread-safe.
 */
final class ReadAhead implements AutoCloseable {
  private static final int PIECE_BYTES = Staging.BYTES_MAX;
  private static final int PIECE_PAGES = PIECE_BYTES / PagePool.PAGE_BYTES;

  /** Of the pool's memory. */
  private static final int SHARE = 4;

  private final PagePool pool;
  private final Executor threads;
  private final LongSupplier nanoTime;
  private final int piecesMax;
  private final PagePool.Reclaimer reclaimer = this::reclaim;

  /** Least recently used first. */
  @GuardedBy("this")
  private final Map<Key, Piece> pieces = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * The bytes of a file as they were from one change made here to the next.
   *
   * @param reader of the file
   * @param stamp counts the changes made here
   */
  record Source(VolumeReader reader, long stamp) {}

  private record Key(VolumeReader reader, long number) {}

  private final class Piece implements VolumeReader.Target {
    final Source source;
    final int bytes;
    final List<Page> pages;

    /** The version of the file that it is of; below 0: it could not be fetched. */
    final CompletableFuture<Long> version = new CompletableFuture<>();

    // The rest is guarded by the monitor of the ReadAhead.

    int users = 1;
    boolean dropped;
    int served;
    long usedAt = nanoTime.getAsLong();

    Piece(Source source, int bytes, List<Page> pages) {
      this.source = source;
      this.bytes = bytes;
      this.pages = pages;
    }

    @Override
    public void put(int at, ByteBuffer from) {
      int begin = from.position();
      for (int done = 0; done < from.remaining(); ) {
        int within = (at + done) % PagePool.PAGE_BYTES;
        int count = Math.min(PagePool.PAGE_BYTES - within, from.remaining() - done);
        page(at + done).put(within, from, begin + done, count);
        done += count;
      }
    }

    @Override
    public void zeros(int at, int count) {
      for (int i = at; i < at + count; i++) {
        page(i).put(i % PagePool.PAGE_BYTES, (byte) 0);
      }
    }

    void get(int at, ByteBuffer dst, int length) {
      for (int done = 0; done < length; ) {
        int within = (at + done) % PagePool.PAGE_BYTES;
        int count = Math.min(PagePool.PAGE_BYTES - within, length - done);
        dst.put(page(at + done).limit(within + count).position(within));
        done += count;
      }
    }

    private ByteBuffer page(int at) {
      return pages.get(at / PagePool.PAGE_BYTES).buffer();
    }
  }

  /**
   * @param pool a quarter of which may be used
   * @param threads that fetch
   */
  ReadAhead(PagePool pool, Executor threads, LongSupplier nanoTime) {
    this.pool = pool;
    this.threads = threads;
    this.nanoTime = nanoTime;
    this.piecesMax = pool.capacity() / PIECE_PAGES / SHARE;
    pool.onShortage(reclaimer);
  }

  /** Begins to fetch what of a range is not there, as far as memory is free. */
  void fetch(Source source, FileRange range, long fileLength) {
    long end = Math.min(fileLength, range.offset() + range.length());
    for (long at = range.offset() / PIECE_BYTES * PIECE_BYTES; at < end; at += PIECE_BYTES) {
      Piece piece = begin(source, at, (int) Math.min(PIECE_BYTES, fileLength - at));
      if (piece != null) {
        long offset = at;
        threads.execute(() -> load(piece, offset));
      }
    }
  }

  private synchronized @Nullable Piece begin(Source source, long offset, int bytes) {
    Key key = new Key(source.reader, offset / PIECE_BYTES);
    Piece known = pieces.get(key);
    if (known != null && known.source.stamp == source.stamp) {
      return null;
    }
    drop(key);
    while (pieces.size() >= piecesMax) {
      if (pieces.isEmpty() || !dropOldest()) {
        return null;
      }
    }
    List<Page> pages = new ArrayList<>(PIECE_PAGES);
    for (int i = 0; i < PagePool.pagesFor(bytes); i++) {
      Page page = pool.tryAcquire();
      if (page == null) {
        pages.forEach(pool::release);
        return null;
      }
      pages.add(page);
    }
    Piece piece = new Piece(source, bytes, pages);
    pieces.put(key, piece);
    return piece;
  }

  private void load(Piece piece, long offset) {
    long version = -1;
    try {
      version = piece.source.reader.readCommitted(offset, piece.bytes, piece).dataVersion();
    } catch (IOException | RuntimeException e) {
      // Who reads there will hear why.
    } finally {
      piece.version.complete(version);
      release(piece);
    }
  }

  /**
   * Reads what was fetched, from the beginning of a range.
   *
   * @param version of the file that the bytes must be of at least
   * @return bytes put into dst; 0: nothing was fetched there
   */
  int read(Source source, long version, long offset, ByteBuffer dst, int length) {
    int done = 0;
    while (done < length) {
      int count = readPiece(source, version, offset + done, dst, length - done);
      if (count == 0) {
        break;
      }
      done += count;
    }
    return done;
  }

  private int readPiece(Source source, long version, long offset, ByteBuffer dst, int wanted) {
    Key key = new Key(source.reader, offset / PIECE_BYTES);
    int at = (int) (offset % PIECE_BYTES);
    Piece piece;
    synchronized (this) {
      piece = pieces.get(key);
      if (piece == null || at >= piece.bytes) {
        return 0;
      }
      if (piece.source.stamp != source.stamp) {
        drop(key);
        return 0;
      }
      piece.users++;
    }
    try {
      if (piece.version.join() < version) {
        synchronized (this) {
          drop(key, piece);
        }
        return 0;
      }
      int count = Math.min(wanted, piece.bytes - at);
      piece.get(at, dst, count);
      synchronized (this) {
        piece.served += count;
        piece.usedAt = nanoTime.getAsLong();
        if (piece.served >= piece.bytes) {
          drop(key, piece);
        }
      }
      return count;
    } finally {
      release(piece);
    }
  }

  private synchronized void release(Piece piece) {
    piece.users--;
    freeIfUnused(piece);
  }

  @GuardedBy("this")
  private void freeIfUnused(Piece piece) {
    if (piece.dropped && piece.users == 0) {
      piece.pages.forEach(pool::release);
    }
  }

  @GuardedBy("this")
  private void drop(Key key) {
    Piece piece = pieces.remove(key);
    if (piece != null) {
      piece.dropped = true;
      freeIfUnused(piece);
    }
  }

  @GuardedBy("this")
  private void drop(Key key, Piece piece) {
    if (pieces.get(key) == piece) {
      drop(key);
    }
  }

  @GuardedBy("this")
  private boolean dropOldest() {
    for (Map.Entry<Key, Piece> entry : pieces.entrySet()) {
      if (entry.getValue().users == 0) {
        drop(entry.getKey());
        return true;
      }
    }
    return false;
  }

  /** Drops everything of one file. */
  synchronized void drop(VolumeReader reader) {
    List<Key> ofFile = new ArrayList<>();
    for (Key key : pieces.keySet()) {
      if (key.reader == reader) {
        ofFile.add(key);
      }
    }
    ofFile.forEach(this::drop);
  }

  /** Drops what nobody came for within so long. */
  synchronized void dropUnusedFor(long nanos) {
    long now = nanoTime.getAsLong();
    List<Key> old = new ArrayList<>();
    pieces.forEach(
        (key, piece) -> {
          if (now - piece.usedAt > nanos) {
            old.add(key);
          }
        });
    old.forEach(this::drop);
  }

  private synchronized void reclaim(int pages) {
    int freed = 0;
    Iterator<Map.Entry<Key, Piece>> oldest = pieces.entrySet().iterator();
    while (freed < pages && oldest.hasNext()) {
      Piece piece = oldest.next().getValue();
      oldest.remove();
      piece.dropped = true;
      freed += piece.users == 0 ? piece.pages.size() : 0;
      freeIfUnused(piece);
    }
  }

  /** Nothing is fetched any more; what is being read is let be. */
  @Override
  public synchronized void close() {
    pool.forget(reclaimer);
    List.copyOf(pieces.keySet()).forEach(this::drop);
  }
}
