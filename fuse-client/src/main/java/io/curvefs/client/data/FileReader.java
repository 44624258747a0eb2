package io.curvefs.client.data;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.cache.readahead.FileRange;
import io.curvefs.cache.readahead.ReadStreams;
import io.curvefs.client.content.ReadStream;
import io.curvefs.error.RefusedException;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.proto.Extent;
import io.curvefs.slice.Layout;
import io.curvefs.slice.Overlay;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Reads one file: the committed extents, over them what is being uploaded, over that what is
 * gathered. Thread-safe.
 */
final class FileReader {
  /** A block up to this size is fetched whole, whatever is asked of it. */
  private static final int SMALL_BLOCK_BYTES = 256 << 10;

  /** A block that a read asks so much of is fetched whole. */
  private static final int SHARE_OF_BLOCK = 4;

  /** Looks at the extents anew when an object is gone: compacted, or truncated by another mount. */
  private static final int ATTEMPTS = 4;

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(128 << 10).asReadOnlyBuffer();

  private final FileStore store;
  private final FileWriter writer;
  private final ChunkMap chunks;

  FileReader(FileStore store, FileWriter writer, ChunkMap chunks) {
    this.store = store;
    this.writer = writer;
    this.chunks = chunks;
  }

  int read(ReadStream stream, long offset, ByteBuffer dst, long fileLength) throws IOException {
    int length = (int) Math.min(dst.remaining(), Math.max(0, fileLength - offset));
    if (length == 0) {
      return 0;
    }
    ReadStreams.Advice advice = stream.onRead(offset, length, fileLength);
    if (advice.ahead().isPresent()) {
      prefetch(advice.ahead().get(), advice.goesOn());
    }
    int from = dst.position();
    List<Gathering.Gathered> gathered = writer.gathered(offset, length);
    for (int attempt = 1; ; attempt++) {
      try {
        readSent(offset, dst.duplicate().limit(from + length), advice);
        break;
      } catch (ObjectStoreException e) {
        if (e.kind() != ObjectStoreException.Kind.NOT_FOUND || attempt == ATTEMPTS) {
          throw e;
        }
        chunks.forget();
      }
    }
    for (Gathering.Gathered part : gathered) {
      dst.put(from + part.at(), part.bytes(), 0, part.bytes().capacity());
    }
    writer.overlay(offset, dst, from, length);
    dst.position(from + length);
    return length;
  }

  private void readSent(long offset, ByteBuffer dst, ReadStreams.Advice advice) throws IOException {
    long at = offset;
    while (dst.hasRemaining()) {
      int chunk = Layout.chunkIndex(at);
      int from = Layout.chunkOffset(at);
      int to = Math.min(Layout.CHUNK_BYTES, from + dst.remaining());
      int done = from;
      for (Extent piece : Overlay.of(writer.extents(chunk)).pieces(from, to)) {
        zeros(dst, piece.getChunkOffset() - done);
        readPiece(piece, dst, advice);
        done = piece.getChunkOffset() + piece.getLength();
      }
      zeros(dst, to - done);
      at += to - from;
    }
  }

  private static void zeros(ByteBuffer dst, int count) {
    int left = count;
    while (left > 0) {
      int some = Math.min(left, ZEROS.capacity());
      dst.put(ZEROS.duplicate().limit(some));
      left -= some;
    }
  }

  private void readPiece(Extent piece, ByteBuffer dst, ReadStreams.Advice advice)
      throws IOException {
    int done = 0;
    while (done < piece.getLength()) {
      int at = piece.getSliceOffset() + done;
      BlockId id = Blocks.at(piece, at);
      int within = at % Layout.BLOCK_BYTES;
      int count = Math.min(piece.getLength() - done, id.length() - within);
      ByteBuffer part = dst.duplicate().limit(dst.position() + count);
      if (!writer.readPending(id, within, part)) {
        readBlock(id, within, part, advice);
      }
      dst.position(dst.position() + count);
      done += count;
    }
  }

  private void readBlock(BlockId id, int within, ByteBuffer dst, ReadStreams.Advice advice)
      throws IOException {
    boolean whole =
        id.length() <= SMALL_BLOCK_BYTES
            || dst.remaining() >= id.length() / SHARE_OF_BLOCK
            || (advice.sequential() && isWorthWhole(id, advice.goesOn()));
    if (!whole) {
      store.cache().readRange(id, within, dst);
      return;
    }
    PagedBytes content = store.cache().read(id, dst.remaining());
    try {
      content.copyTo(within, dst, dst.remaining());
    } finally {
      content.release();
    }
  }

  /** What a disk of this host has is as near in parts: a run may be a record, and end soon. */
  private boolean isWorthWhole(BlockId id, boolean goesOn) {
    return goesOn || !store.cache().isOnDisk(id);
  }

  /** Blocks that are being uploaded are in memory anyway, so only the others matter here. */
  private void prefetch(FileRange range, boolean goesOn) {
    try {
      long at = range.offset();
      long end = range.offset() + range.length();
      while (at < end) {
        int from = Layout.chunkOffset(at);
        int to = (int) Math.min(Layout.CHUNK_BYTES, from + (end - at));
        Blocks.within(
            writer.extents(Layout.chunkIndex(at)),
            from,
            to,
            id -> {
              if (isWorthWhole(id, goesOn)) {
                store.cache().prefetch(id);
              }
            });
        at += to - from;
      }
    } catch (RefusedException e) {
      // The read itself will say so.
    }
  }
}
