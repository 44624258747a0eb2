package io.curvefs.client.data;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.Page;
import io.curvefs.proto.Extent;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One object on its way to the store, and the extents that will refer to it. Its file's lock guards
 * it.
 */
final class PendingBlock {
  final BlockId id;
  final int chunk;

  /** In order of their place in the file. */
  final List<Extent> extents;

  /** Where in the file the last byte of the block ends. */
  final long fileEnd;

  /** The bytes, until they are uploaded; then null. */
  @Nullable Window window;

  boolean uploaded;

  PendingBlock(BlockId id, int chunk, List<Extent> extents, long fileEnd, Window window) {
    this.id = id;
    this.chunk = chunk;
    this.extents = extents;
    this.fileEnd = fileEnd;
    this.window = window;
  }

  /** Fills dst from the bytes of the block; false when they are not here any more. */
  boolean read(int offset, ByteBuffer dst) {
    Window held = window;
    if (held == null) {
      return false;
    }
    int skip = offset;
    for (ByteBuffer piece : held.content()) {
      if (skip >= piece.remaining()) {
        skip -= piece.remaining();
        continue;
      }
      int count = Math.min(piece.remaining() - skip, dst.remaining());
      dst.put(piece.slice(skip, count));
      skip = 0;
      if (!dst.hasRemaining()) {
        return true;
      }
    }
    throw new IllegalStateException("read beyond block " + id);
  }

  List<Page> pages() {
    Window held = window;
    return held == null ? List.of() : held.pages();
  }
}
