package io.curvefs.cache.page;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bytes that never change, held in pages and counted by reference: born with one reference, and the
 * pages go back to the pool with the last. Thread-safe. Who holds a reference may read; reading
 * without one throws {@link IllegalStateException} once the pages are gone.
 */
public final class PagedBytes {
  /** Writes the content, once, before anyone else sees it. */
  @FunctionalInterface
  public interface Filler {
    /**
     * Fills each buffer from its position to its limit and advances its position to the limit.
     *
     * @throws IOException if the bytes cannot be had; the pages go back
     */
    void fill(List<ByteBuffer> into) throws IOException;
  }

  private final PagePool pool;
  private final Page[] pages;

  /** One per page, the last one limited to what it holds. Only ever read by absolute index. */
  private final ByteBuffer[] contents;

  private final int length;
  private final AtomicInteger references = new AtomicInteger(1);

  private PagedBytes(PagePool pool, Page[] pages, int length) {
    this.pool = pool;
    this.pages = pages;
    this.length = length;
    this.contents = new ByteBuffer[pages.length];
    for (int i = 0; i < pages.length; i++) {
      int held = Math.min(PagePool.PAGE_BYTES, length - i * PagePool.PAGE_BYTES);
      contents[i] = pages[i].buffer().limit(held);
    }
  }

  /**
   * New content of {@code length} bytes.
   *
   * @param length 1 or more
   * @param waitMax how long to wait for pages
   * @throws IOException of the filler, or if it left a buffer unfilled
   * @throws PagesExhaustedException if the pages did not become free in time
   */
  public static PagedBytes fill(PagePool pool, int length, Duration waitMax, Filler filler)
      throws IOException {
    if (length < 1) {
      throw new IllegalArgumentException("no content of " + length + " bytes");
    }
    Page[] pages = pool.acquire(PagePool.pagesFor(length), waitMax);
    boolean filled = false;
    try {
      PagedBytes content = new PagedBytes(pool, pages, length);
      List<ByteBuffer> into = new ArrayList<>(pages.length);
      for (ByteBuffer part : content.contents) {
        into.add(part.duplicate());
      }
      filler.fill(List.copyOf(into));
      for (ByteBuffer part : into) {
        if (part.hasRemaining()) {
          throw new IOException("only part of " + length + " bytes was read");
        }
      }
      filled = true;
      return content;
    } finally {
      if (!filled) {
        pool.release(pages);
      }
    }
  }

  /**
   * Content that was written page by page. The pages belong to the content from now on.
   *
   * @param pages all of one pool, each full but the last, exactly as many as {@code length} needs
   */
  public static PagedBytes adopt(List<Page> pages, int length) {
    if (length < 1 || pages.size() != PagePool.pagesFor(length)) {
      throw new IllegalArgumentException(length + " bytes in " + pages.size() + " pages");
    }
    PagePool pool = pages.get(0).pool;
    return new PagedBytes(pool, pages.toArray(Page[]::new), length);
  }

  /** Bytes of content, 1 or more. */
  public int length() {
    return length;
  }

  /** Bytes of memory that the content keeps from others: whole pages. */
  public int heldBytes() {
    return pages.length * PagePool.PAGE_BYTES;
  }

  /** The content as new read-only buffers, in order. Must not be touched after the release. */
  public List<ByteBuffer> buffers() {
    checkHeld();
    List<ByteBuffer> parts = new ArrayList<>(contents.length);
    for (ByteBuffer part : contents) {
      parts.add(part.asReadOnlyBuffer());
    }
    return parts;
  }

  /**
   * Copies {@code length} bytes from {@code offset} to {@code dst}, whose position advances by as
   * much.
   *
   * @throws IndexOutOfBoundsException if the content or {@code dst} has fewer bytes
   */
  public void copyTo(int offset, ByteBuffer dst, int length) {
    Objects.checkFromIndexSize(offset, length, this.length);
    Objects.checkFromIndexSize(0, length, dst.remaining());
    checkHeld();
    int from = offset;
    int end = offset + length;
    while (from < end) {
      int start = from % PagePool.PAGE_BYTES;
      int count = Math.min(PagePool.PAGE_BYTES - start, end - from);
      dst.put(dst.position(), contents[from / PagePool.PAGE_BYTES], start, count);
      dst.position(dst.position() + count);
      from += count;
    }
  }

  /**
   * Adds a reference, for a holder of one.
   *
   * @return this
   * @throws IllegalStateException if the content is gone
   */
  @CanIgnoreReturnValue
  public PagedBytes retain() {
    if (!tryRetain()) {
      throw new IllegalStateException("content used after its release");
    }
    return this;
  }

  /** Adds a reference unless the content is already gone, for those who hold none. */
  public boolean tryRetain() {
    int held = references.get();
    while (held > 0) {
      if (references.compareAndSet(held, held + 1)) {
        return true;
      }
      held = references.get();
    }
    return false;
  }

  /**
   * Gives one reference up.
   *
   * @return whether it was the last, so that the pages are free now
   * @throws IllegalStateException if there was none left
   */
  @CanIgnoreReturnValue
  public boolean release() {
    int left = references.decrementAndGet();
    if (left < 0) {
      throw new IllegalStateException("content released too often");
    }
    if (left == 0) {
      pool.release(pages);
    }
    return left == 0;
  }

  private void checkHeld() {
    if (references.get() <= 0) {
      throw new IllegalStateException("content used after its release");
    }
  }
}
