package io.curvefs.client.volume;

import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.content.DirtyRanges;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** Bytes of one file that are written and not yet on a device. Not thread-safe. */
final class DirtyPages {
  static final int PAGE_BYTES = PagePool.PAGE_BYTES;

  private final NavigableMap<Long, DirtyPage> pages = new TreeMap<>();

  /** A page's memory, and which of its bytes were written. */
  static final class DirtyPage {
    final Page page;
    final ByteBuffer bytes;
    final DirtyRanges written = new DirtyRanges();

    DirtyPage(Page page) {
      this.page = page;
      this.bytes = page.buffer();
    }

    boolean isWhole() {
      return written.bytes() == PAGE_BYTES;
    }
  }

  /** Written bytes as they were at some moment. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Copied(long offset, byte[] bytes) {}

  /** Pages that a write of this range may need. */
  static int pagesTouched(long offset, int length) {
    return (int) ((offset + length - 1) / PAGE_BYTES - offset / PAGE_BYTES + 1);
  }

  boolean isEmpty() {
    return pages.isEmpty();
  }

  int count() {
    return pages.size();
  }

  NavigableMap<Long, DirtyPage> byNumber() {
    return pages;
  }

  Collection<Page> memory() {
    return pages.values().stream().map(dirty -> dirty.page).toList();
  }

  /**
   * Takes bytes in.
   *
   * @param spare pages to take from where one is missing; at least as many as the range touches
   */
  void put(long offset, ByteBuffer src, int length, Deque<Page> spare) {
    int done = 0;
    while (done < length) {
      long number = (offset + done) / PAGE_BYTES;
      int start = (int) ((offset + done) % PAGE_BYTES);
      int count = Math.min(PAGE_BYTES - start, length - done);
      DirtyPage dirty = pages.get(number);
      if (dirty == null) {
        dirty = new DirtyPage(spare.pop());
        pages.put(number, dirty);
      }
      dirty.bytes.put(start, src, src.position(), count);
      src.position(src.position() + count);
      dirty.written.add(start, start + count);
      done += count;
    }
  }

  /** Whether something of these bytes is written. */
  boolean touches(long from, long to) {
    for (Map.Entry<Long, DirtyPage> entry : overlapping(from, to).entrySet()) {
      long begin = entry.getKey() * PAGE_BYTES;
      if (!entry
          .getValue()
          .written
          .within((int) Math.max(0, from - begin), (int) Math.min(PAGE_BYTES, to - begin))
          .isEmpty()) {
        return true;
      }
    }
    return false;
  }

  private Map<Long, DirtyPage> overlapping(long from, long to) {
    return pages.subMap(from / PAGE_BYTES, true, (to - 1) / PAGE_BYTES, true);
  }

  /** What is written of a range. */
  void copy(long offset, int length, List<Copied> into) {
    for (Map.Entry<Long, DirtyPage> entry : overlapping(offset, offset + length).entrySet()) {
      long begin = entry.getKey() * PAGE_BYTES;
      int from = (int) Math.max(0, offset - begin);
      int to = (int) Math.min(PAGE_BYTES, offset + length - begin);
      for (DirtyRanges.Range range : entry.getValue().written.within(from, to)) {
        byte[] bytes = new byte[range.length()];
        entry.getValue().bytes.get(range.from(), bytes);
        into.add(new Copied(begin + range.from(), bytes));
      }
    }
  }

  /**
   * Takes the last piece off, if it is a short one behind others: who writes on makes it longer.
   *
   * @param pagesMax of a piece
   */
  DirtyPages takeShortTail(int pagesMax) {
    DirtyPages tail = new DirtyPages();
    List<List<Long>> pieces = neighbours(pagesMax);
    List<Long> last = pieces.isEmpty() ? List.of() : pieces.get(pieces.size() - 1);
    if (pieces.size() > 1 && last.size() < pagesMax) {
      for (long number : last) {
        tail.pages.put(number, pages.remove(number));
      }
    }
    return tail;
  }

  /** The whole in pieces of neighbouring pages. */
  List<List<Long>> neighbours(int pagesMax) {
    List<List<Long>> pieces = new ArrayList<>();
    List<Long> piece = new ArrayList<>();
    for (long number : pages.keySet()) {
      boolean continues = !piece.isEmpty() && piece.get(piece.size() - 1) == number - 1;
      if (!piece.isEmpty() && (!continues || piece.size() == pagesMax)) {
        pieces.add(piece);
        piece = new ArrayList<>();
      }
      piece.add(number);
    }
    if (!piece.isEmpty()) {
      pieces.add(piece);
    }
    return pieces;
  }
}
