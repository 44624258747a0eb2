package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The threads that change one directory. What nobody waits for is bounded in bytes; what exceeds
 * the bound is dropped, for a cache may forget. Thread-safe.
 */
final class WriteQueue implements AutoCloseable {
  private static final int THREADS = 4;
  private static final Duration IDLE_MAX = Duration.ofSeconds(10);
  private static final Duration CLOSE_MAX = Duration.ofSeconds(5);

  /** Work that may fail. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  private final String what;
  private final long bytesMax;
  private final ThreadPoolExecutor threads;
  private final AtomicLong queuedBytes = new AtomicLong();
  private volatile boolean abandoned;

  @GuardedBy("this")
  private int pending;

  /**
   * @param what the directory, for messages
   * @param bytesMax most bytes of pages that wait
   */
  WriteQueue(String what, long bytesMax) {
    this.what = what;
    this.bytesMax = bytesMax;
    this.threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE_MAX.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(), // bounded by bytesMax, and by the threads that wait
            work -> {
              Thread writer = new Thread(work, "curvefs-cache-writer");
              writer.setDaemon(true);
              return writer;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Queues work on content, which is kept until that is done.
   *
   * @return false if the queue is full or closed
   */
  boolean offer(PagedBytes content, Runnable work) {
    int held = content.heldBytes();
    if (queuedBytes.addAndGet(held) > bytesMax) {
      queuedBytes.addAndGet(-held);
      return false;
    }
    content.retain();
    boolean taken =
        execute(
            () -> {
              try {
                if (!abandoned) {
                  work.run();
                }
              } finally {
                queuedBytes.addAndGet(-held);
                content.release();
              }
            });
    if (!taken) {
      queuedBytes.addAndGet(-held);
      content.release();
    }
    return taken;
  }

  /**
   * Does the work on one of the threads, and waits for it.
   *
   * @param content kept until the work is done, however long the caller waits; null for none
   * @throws IOException of the work, or if it takes longer than {@code waitMax}
   */
  void call(@Nullable PagedBytes content, Duration waitMax, Work work) throws IOException {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    if (content != null) {
      content.retain();
    }
    boolean taken =
        execute(
            () -> {
              try {
                work.run();
                done.complete(null);
              } catch (IOException | RuntimeException e) {
                done.completeExceptionally(e);
              } finally {
                if (content != null) {
                  content.release();
                }
              }
            });
    if (!taken) {
      if (content != null) {
        content.release();
      }
      throw new IOException(what + " is closed");
    }
    await(done, waitMax);
  }

  private void await(CompletableFuture<@Nullable Void> done, Duration waitMax) throws IOException {
    try {
      done.get(waitMax.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IOException("cannot write to " + what + ": " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new IOException(what + " did not answer within " + waitMax.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + what);
    }
  }

  private boolean execute(Runnable work) {
    addPending(1);
    try {
      threads.execute(
          () -> {
            try {
              work.run();
            } finally {
              addPending(-1);
            }
          });
      return true;
    } catch (RejectedExecutionException e) { // closed
      addPending(-1);
      return false;
    }
  }

  private synchronized void addPending(int more) {
    pending += more;
    notifyAll();
  }

  /** Waits until nothing is queued or being done; false if that took too long. */
  synchronized boolean awaitIdle(Duration waitMax) throws InterruptedException {
    long end = System.nanoTime() + waitMax.toNanos();
    while (pending > 0) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
    return true;
  }

  /** Does what is queued, as far as that is quickly done; the rest is dropped. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(CLOSE_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
        abandoned = true;
        threads.awaitTermination(CLOSE_MAX.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      abandoned = true;
      Thread.currentThread().interrupt();
    }
  }
}
