package io.curvefs.cache.queue;

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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that bring content to one slower place. What nobody waits for is bounded in bytes;
 * what exceeds the bound is dropped, for a cache may forget. Thread-safe.
 */
public final class WorkQueue implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WorkQueue.class);
  private static final Duration IDLE_MAX = Duration.ofSeconds(10);
  private static final Duration CLOSE_MAX = Duration.ofSeconds(5);

  /** Work that may fail. */
  @FunctionalInterface
  public interface Work {
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
   * @param what the place, for messages
   * @param threadName of each of the threads
   * @param threadsMax while there is work; none are kept for long without
   * @param bytesMax most bytes of pages that wait
   */
  public WorkQueue(String what, String threadName, int threadsMax, long bytesMax) {
    this.what = what;
    this.bytesMax = bytesMax;
    this.threads =
        new ThreadPoolExecutor(
            threadsMax,
            threadsMax,
            IDLE_MAX.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(), // bounded by bytesMax, and by the threads that wait
            work -> {
              Thread thread = new Thread(work, threadName);
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /** Work, and what is to be done in any case once it was done or dropped. */
  private final class Task implements Runnable {
    private final Runnable work;
    private final Runnable after;

    Task(Runnable work, Runnable after) {
      this.work = work;
      this.after = after;
    }

    @Override
    public void run() {
      try {
        work.run();
      } catch (Throwable e) { // the thread goes on, for others wait
        log.error("a defect at {}", what, e);
      } finally {
        end();
      }
    }

    void end() {
      after.run();
      addPending(-1);
    }
  }

  /**
   * Queues work on content, which is kept until that is done.
   *
   * @return false if the queue is full or closed
   */
  public boolean offer(PagedBytes content, Runnable work) {
    int held = content.heldBytes();
    if (queuedBytes.addAndGet(held) > bytesMax) {
      queuedBytes.addAndGet(-held);
      return false;
    }
    content.retain();
    return execute(
        new Task(
            () -> {
              if (!abandoned) {
                work.run();
              }
            },
            () -> {
              queuedBytes.addAndGet(-held);
              content.release();
            }));
  }

  /**
   * Does the work on one of the threads, and waits for it. Of a caller that does not wait to the
   * end nothing is left: what has not begun is never done.
   *
   * @param content kept until the work is done, however long the caller waits; null for none
   * @param undo takes the work back, when it had begun and was done after the caller had given up
   * @throws IOException of the work, or if it takes longer than {@code waitMax}
   */
  public void call(@Nullable PagedBytes content, Duration waitMax, Work work, Runnable undo)
      throws IOException {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    if (content != null) {
      content.retain();
    }
    Task task =
        new Task(
            () -> run(work, done, undo),
            () -> {
              if (content != null) {
                content.release();
              }
            });
    if (!execute(task)) {
      throw new IOException(what + " is closed");
    }
    try {
      await(done, waitMax);
    } finally {
      if (done.isCancelled() && threads.remove(task)) {
        task.end();
      }
    }
  }

  private static void run(Work work, CompletableFuture<@Nullable Void> done, Runnable undo) {
    if (done.isDone()) {
      return; // the caller has given up
    }
    try {
      work.run();
    } catch (Throwable e) {
      done.completeExceptionally(e);
      return;
    }
    if (!done.complete(null)) {
      undo.run();
    }
  }

  private void await(CompletableFuture<@Nullable Void> done, Duration waitMax) throws IOException {
    try {
      done.get(waitMax.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IOException("work for " + what + " failed: " + e.getCause(), e);
    } catch (TimeoutException e) {
      if (done.cancel(false)) {
        throw new IOException(what + " did not answer within " + waitMax.toSeconds() + " s", e);
      }
      await(done, waitMax); // it has just been done
    } catch (InterruptedException e) {
      done.cancel(false);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + what);
    }
  }

  private boolean execute(Task task) {
    addPending(1);
    try {
      threads.execute(task);
      return true;
    } catch (RejectedExecutionException | OutOfMemoryError e) { // closed, or no thread to be had
      threads.remove(task);
      task.end();
      return false;
    }
  }

  private synchronized void addPending(int more) {
    pending += more;
    notifyAll();
  }

  /** Whether nothing is queued or being done. */
  public synchronized boolean isIdle() {
    return pending == 0;
  }

  /** Waits until nothing is queued or being done; false if that took too long. */
  public synchronized boolean awaitIdle(Duration waitMax) throws InterruptedException {
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
