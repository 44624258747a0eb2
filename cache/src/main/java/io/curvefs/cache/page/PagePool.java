package io.curvefs.cache.page;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The process's buffer memory: pages of direct memory under one hard budget. Memory is taken from
 * the system slab by slab when first needed and never returned to it. Thread-safe; no lock while
 * pages are free.
 *
 * <p>Whoever finds the pool empty first asks the {@linkplain #onShortage reclaimers} to give back
 * what they keep only for speed, then waits in order of arrival. A keeper of pages that looks at
 * {@link #shortage} after each page it keeps cannot starve such a waiter: either the keeper sees
 * the waiter, or the waiter's call finds what was kept.
 */
public final class PagePool {
  /** Bytes of one page: 64 KiB. */
  public static final int PAGE_BYTES = 64 << 10;

  private static final int SLAB_PAGES = 64;
  private static final int MEMORY_PAGE_BYTES = 4096;

  /** Gives back pages that are kept only for speed. Called by threads that are about to wait. */
  @FunctionalInterface
  public interface Reclaimer {
    /** Frees at least {@code pages} pages if it can, before it returns. Must not wait for pages. */
    void reclaim(int pages);
  }

  private final int capacity;

  /** One permit per page not in use. Invariant: who holds an unspent permit finds a page. */
  private final Semaphore budget;

  private final Queue<ByteBuffer> free = new ConcurrentLinkedQueue<>();
  private final Object carving = new Object();

  @GuardedBy("carving")
  private int carved;

  private final AtomicInteger wanted = new AtomicInteger();
  private final AtomicInteger highWater = new AtomicInteger();
  private final LongAdder waits = new LongAdder();
  private final List<Reclaimer> reclaimers = new CopyOnWriteArrayList<>();

  /**
   * @param budgetBytes the most that the pool ever takes, at least one page, rounded down to pages
   */
  public PagePool(long budgetBytes) {
    long pages = budgetBytes / PAGE_BYTES;
    if (pages < 1 || pages > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("not a memory budget: " + budgetBytes + " bytes");
    }
    this.capacity = (int) pages;
    this.budget = new Semaphore(capacity, true);
  }

  /** Pages needed for {@code bytes} bytes. */
  public static int pagesFor(int bytes) {
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
  }

  /**
   * A page, waiting at most {@code waitMax} for one.
   *
   * @throws PagesExhaustedException if none became free in time
   * @throws InterruptedIOException if interrupted while waiting; the interrupt status stays set
   */
  public Page acquire(Duration waitMax) throws IOException {
    return acquire(1, waitMax)[0];
  }

  /** A page if one is free and nobody waits for it, else null. */
  public @Nullable Page tryAcquire() {
    try {
      return take(1) ? lend(1)[0] : null;
    } catch (PagesExhaustedException e) {
      return null;
    }
  }

  /**
   * All pages or none: two who each hold half of what they need would wait for each other.
   *
   * @throws PagesExhaustedException also if the pool is smaller than {@code count}
   */
  Page[] acquire(int count, Duration waitMax) throws IOException {
    if (count > capacity) {
      throw new PagesExhaustedException(
          count + " pages asked of a pool of " + capacity + ": raise the memory budget");
    }
    if (!take(count)) {
      await(count, waitMax);
    }
    return lend(count);
  }

  /**
   * Takes a page back.
   *
   * @throws IllegalStateException if it was released before or belongs to another pool
   */
  public void release(Page page) {
    release(new Page[] {page});
  }

  void release(Page[] pages) {
    for (Page page : pages) {
      if (page.pool != this) {
        throw new IllegalStateException("page of another pool");
      }
      free.add(page.surrender());
    }
    budget.release(pages.length);
  }

  /** Registers someone who can give pages back, until {@link #forget}. */
  public void onShortage(Reclaimer reclaimer) {
    reclaimers.add(reclaimer);
  }

  /** Ends {@link #onShortage}. */
  public void forget(Reclaimer reclaimer) {
    reclaimers.remove(reclaimer);
  }

  /** Pages that waiting threads lack now; 0 when nobody waits. */
  public int shortage() {
    int waitedFor = wanted.get();
    return waitedFor == 0 ? 0 : Math.max(0, waitedFor - budget.availablePermits());
  }

  /** All pages of the budget. */
  public int capacity() {
    return capacity;
  }

  /** Pages not in use. */
  public int available() {
    return budget.availablePermits();
  }

  /** Pages in use; 0 once everything is released. */
  public int inUse() {
    return capacity - available();
  }

  /** The most pages that were ever in use at once. */
  public int highWater() {
    return highWater.get();
  }

  /** How often someone found too few pages free and had to wait. */
  public long waits() {
    return waits.sum();
  }

  /** Who comes while others wait waits too: a large request would never be met otherwise. */
  private boolean take(int count) {
    return !hasWaiters() && budget.tryAcquire(count);
  }

  boolean hasWaiters() {
    return budget.hasQueuedThreads();
  }

  private void await(int count, Duration waitMax) throws IOException {
    waits.increment();
    wanted.addAndGet(count);
    try {
      for (Reclaimer reclaimer : reclaimers) {
        reclaimer.reclaim(shortage());
      }
      if (!budget.tryAcquire(count, waitMax.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new PagesExhaustedException(
            "no %d pages of buffer memory became free within %d ms (%d of %d in use): raise the memory budget"
                .formatted(count, waitMax.toMillis(), inUse(), capacity));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for buffer memory");
    } finally {
      wanted.addAndGet(-count);
    }
  }

  /** Turns {@code count} permits, which the caller has, into pages. */
  private Page[] lend(int count) throws PagesExhaustedException {
    Page[] pages = new Page[count];
    int lent = 0;
    try {
      for (; lent < count; lent++) {
        ByteBuffer memory = free.poll();
        pages[lent] = new Page(this, memory != null ? memory : carve());
      }
    } finally {
      for (int i = 0; lent < count && i < lent; i++) {
        free.add(pages[i].surrender());
      }
      if (lent < count) {
        budget.release(count);
      }
    }
    int used = inUse();
    if (used > highWater.get()) {
      highWater.accumulateAndGet(used, Math::max);
    }
    return pages;
  }

  private ByteBuffer carve() throws PagesExhaustedException {
    synchronized (carving) {
      ByteBuffer memory = free.poll();
      if (memory != null) {
        return memory;
      }
      int pages = Math.min(SLAB_PAGES, capacity - carved);
      if (pages == 0) {
        throw new IllegalStateException("more pages lent than the budget has");
      }
      ByteBuffer slab = allocate(pages * PAGE_BYTES);
      carved += pages;
      for (int i = 1; i < pages; i++) {
        free.add(slab.slice(i * PAGE_BYTES, PAGE_BYTES));
      }
      return slab.slice(0, PAGE_BYTES);
    }
  }

  private ByteBuffer allocate(int bytes) throws PagesExhaustedException {
    try {
      // So that devices can fetch from it, see open(2) on O_DIRECT.
      return ByteBuffer.allocateDirect(bytes + MEMORY_PAGE_BYTES).alignedSlice(MEMORY_PAGE_BYTES);
    } catch (OutOfMemoryError e) {
      throw new PagesExhaustedException(
          "the JVM allows less direct memory than the budget of %d bytes: raise -XX:MaxDirectMemorySize"
              .formatted((long) capacity * PAGE_BYTES));
    }
  }
}
