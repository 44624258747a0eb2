package io.curvefs.client.data;

import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.content.DirtyRanges;
import io.curvefs.slice.Layout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * 4 MiB of a file, aligned, that are being written: pages where something was written, and which
 * bytes that was. One thread at a time.
 */
final class Window {
  static final int BYTES = Layout.BLOCK_BYTES;

  /** Each becomes an extent, of at most 30 bytes in a commit. */
  private static final int RANGES_MAX = 65_536;

  private final @Nullable Page[] pages = new Page[BYTES / PagePool.PAGE_BYTES];
  private final DirtyRanges dirty = new DirtyRanges();

  /** Pages that a write of this range may need. */
  static int pagesTouched(int from, int length) {
    return (from + length - 1) / PagePool.PAGE_BYTES - from / PagePool.PAGE_BYTES + 1;
  }

  /**
   * Takes bytes in.
   *
   * @param from where in the window
   * @param spare pages to take from where one is missing; at least as many as the range touches
   */
  void put(int from, ByteBuffer src, int length, Deque<Page> spare) {
    int done = 0;
    while (done < length) {
      int at = from + done;
      int index = at / PagePool.PAGE_BYTES;
      int start = at % PagePool.PAGE_BYTES;
      int count = Math.min(PagePool.PAGE_BYTES - start, length - done);
      Page page = pages[index];
      if (page == null) {
        page = spare.pop();
        pages[index] = page;
      }
      page.buffer().put(start, src, src.position(), count);
      src.position(src.position() + count);
      done += count;
    }
    dirty.add(from, from + length);
  }

  /** What was written of a range. */
  List<DirtyRanges.Range> written(int from, int to) {
    return dirty.within(from, to);
  }

  /** Copies what was written of a range over what is there. */
  void overlay(int from, int to, ByteBuffer dst, int dstFrom) {
    for (DirtyRanges.Range part : dirty.within(from, to)) {
      int at = dstFrom + part.from() - from;
      for (ByteBuffer piece : pieces(part)) {
        dst.put(at, piece, piece.position(), piece.remaining());
        at += piece.remaining();
      }
    }
  }

  private List<ByteBuffer> pieces(DirtyRanges.Range range) {
    List<ByteBuffer> pieces = new ArrayList<>();
    int at = range.from();
    while (at < range.to()) {
      Page page = pages[at / PagePool.PAGE_BYTES];
      int start = at % PagePool.PAGE_BYTES;
      int count = Math.min(PagePool.PAGE_BYTES - start, range.to() - at);
      if (page == null) {
        throw new IllegalStateException("written, but without a page");
      }
      pieces.add(page.buffer().position(start).limit(start + count).slice());
      at += count;
    }
    return pieces;
  }

  /** Whether it is to be sent: full, or of so many parts that its extents fill a commit. */
  boolean isReady() {
    return isFull() || dirty.count() >= RANGES_MAX;
  }

  boolean isFull() {
    return dirty.bytes() == BYTES;
  }

  int dirtyBytes() {
    return dirty.bytes();
  }

  List<DirtyRanges.Range> ranges() {
    return dirty.all();
  }

  /** All written bytes, in order, as they are in the pages. */
  List<ByteBuffer> content() {
    List<ByteBuffer> content = new ArrayList<>();
    dirty.all().forEach(range -> content.addAll(pieces(range)));
    return content;
  }

  /** The pages that hold something, in order. */
  List<Page> pages() {
    List<Page> held = new ArrayList<>();
    for (Page page : pages) {
      if (page != null) {
        held.add(page);
      }
    }
    return held;
  }

  /** Whether the written bytes fill the pages from the beginning, without a gap. */
  boolean isDense() {
    List<DirtyRanges.Range> all = dirty.all();
    return all.size() == 1 && all.get(0).from() == 0;
  }
}
