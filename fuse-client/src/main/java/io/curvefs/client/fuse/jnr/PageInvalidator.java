package io.curvefs.client.fuse.jnr;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.vfs.StalePages;
import io.curvefs.id.InodeId;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the kernel drop pages, in a thread of its own: it waits for reads of these pages that are
 * under way, which the threads that answer it must stay free for. Thread-safe.
 */
final class PageInvalidator implements StalePages, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PageInvalidator.class);

  /** How long an answer waits for pages to be dropped. Reads that take longer are failing ones. */
  private static final long WAIT_NANOS_MAX = TimeUnit.SECONDS.toNanos(1);

  private final LongConsumer dropPages;
  private final Thread thread;

  @GuardedBy("this")
  private final Set<InodeId> waiting = new LinkedHashSet<>();

  /** What is waiting or being dropped. */
  private volatile int pending;

  @GuardedBy("this")
  private boolean closed;

  /**
   * @param dropPages drops all pages of an inode in the kernel; may block
   */
  PageInvalidator(LongConsumer dropPages) {
    this.dropPages = dropPages;
    this.thread = new Thread(this::work, "fuse-invalidate");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public synchronized void stale(InodeId inode) {
    if (!closed && waiting.add(inode)) {
      pending = pending + 1;
      notifyAll();
    }
  }

  private void work() {
    try {
      while (true) {
        InodeId next = next();
        if (next == null) {
          return;
        }
        try {
          dropPages.accept(next.value());
        } catch (RuntimeException e) { // the others must not wait for ever
          log.error("pages of inode {} could not be dropped", next, e);
        } finally {
          done();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized @Nullable InodeId next() throws InterruptedException {
    while (waiting.isEmpty()) {
      if (closed) {
        return null;
      }
      wait();
    }
    InodeId next = waiting.iterator().next();
    waiting.remove(next);
    return next;
  }

  private synchronized void done() {
    pending = pending - 1;
    notifyAll();
  }

  /** Returns when no page that is stale by now is left in the kernel, or after a bounded wait. */
  void await() {
    if (pending == 0) {
      return;
    }
    long deadline = System.nanoTime() + WAIT_NANOS_MAX;
    synchronized (this) {
      try {
        for (long left = WAIT_NANOS_MAX;
            pending > 0 && left > 0;
            left = deadline - System.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(this, left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    waiting.clear();
    notifyAll();
  }
}
