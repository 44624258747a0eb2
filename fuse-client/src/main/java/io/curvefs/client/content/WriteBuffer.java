package io.curvefs.client.content;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagePool;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The bytes of all files that are written but not yet in the object store, bounded. When too much
 * of it is gathered without being on its way, the files written to longest ago are sent as they
 * are; what is on its way frees its pages by itself, and writers wait for that when the buffer is
 * full. Thread-safe.
 */
public final class WriteBuffer {
  /** No byte has left for so long: the object store takes nothing. */
  private static final Duration WAIT_MAX = Duration.ofSeconds(150);

  private final PagePool pool;
  private final int pagesMax;

  @GuardedBy("this")
  private int pagesUsed;

  /** Of those used, the ones on their way to the object store. */
  @GuardedBy("this")
  private int pagesSending;

  /** Writers with something to send, longest ago first. */
  @GuardedBy("this")
  private final Set<Writer> writers = new LinkedHashSet<>();

  /** One file's bytes that are gathered. */
  public interface Writer {
    /**
     * Sends what is gathered on its way, as far as that is possible now.
     *
     * @return bytes sent
     */
    long send();
  }

  /**
   * @param bytesMax of the pool that writing may take
   */
  public WriteBuffer(PagePool pool, long bytesMax) {
    this.pool = pool;
    this.pagesMax = Math.toIntExact(bytesMax / PagePool.PAGE_BYTES);
  }

  /** Where the pages come from. */
  public PagePool pool() {
    return pool;
  }

  /**
   * Pages for a write, waiting for some to become free.
   *
   * @throws IOException EIO when none does within the bound
   */
  public Deque<Page> acquire(int count) throws IOException {
    reserve(count);
    Deque<Page> pages = new ArrayDeque<>(count);
    try {
      while (pages.size() < count) {
        pages.push(pool.acquire(WAIT_MAX));
      }
      return pages;
    } catch (IOException e) {
      release(pages, count);
      throw e;
    }
  }

  private void reserve(int count) throws RefusedException {
    long deadline = System.nanoTime() + WAIT_MAX.toNanos();
    if (isCrowded()) {
      sendOldest();
    }
    synchronized (this) {
      while (pagesUsed + count > pagesMax) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw new RefusedException(
              Refusal.EIO, "the write buffer is full and the object store takes nothing");
        }
        try {
          TimeUnit.NANOSECONDS.timedWait(this, left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new RefusedException(Refusal.EINTR);
        }
      }
      pagesUsed += count;
    }
  }

  private synchronized boolean isCrowded() {
    return pagesUsed - pagesSending > pagesMax / 4 * 3;
  }

  /** Begins to send what the least recently written files hold, until enough is on its way. */
  private void sendOldest() {
    List<Writer> oldestFirst;
    synchronized (this) {
      oldestFirst = List.copyOf(writers);
    }
    long wanted = (long) pagesMax / 4 * PagePool.PAGE_BYTES;
    for (Writer writer : oldestFirst) {
      if (wanted <= 0) {
        return;
      }
      wanted -= writer.send();
    }
  }

  /** The pages stay, but nothing can be added to them any more. */
  public synchronized void sending(int count) {
    pagesSending += count;
  }

  /** Pages are not on their way any more: the one who held them releases or hands them over. */
  public synchronized void arrived(int count) {
    pagesSending -= count;
  }

  /** Gives pages back that were not needed after all, or are not any more. */
  public void release(Collection<Page> pages) {
    release(pages, pages.size());
  }

  private void release(Collection<Page> pages, int reserved) {
    pages.forEach(pool::release);
    handOver(reserved);
  }

  /** These pages belong to somebody else from now on. */
  public synchronized void handOver(int count) {
    pagesUsed -= count;
    notifyAll();
  }

  /** The writer has something to send, written just now. */
  public synchronized void written(Writer writer) {
    writers.remove(writer);
    writers.add(writer);
  }

  /** The writer has nothing to send any more. */
  public synchronized void sent(Writer writer) {
    writers.remove(writer);
  }

  /** Bytes of memory in use. */
  public synchronized long bytesUsed() {
    return (long) pagesUsed * PagePool.PAGE_BYTES;
  }
}
