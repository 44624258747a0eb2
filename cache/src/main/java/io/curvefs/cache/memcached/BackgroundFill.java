package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Stores blocks in the background. What waits is bounded in bytes; what exceeds the bound is
 * dropped, for a cache may forget. Thread-safe.
 */
final class BackgroundFill implements AutoCloseable {
  /** How a block is stored. */
  @FunctionalInterface
  interface Store {
    void store(BlockId id, PagedBytes content) throws IOException;
  }

  /** While one block's answers are waited for, another one is sent. */
  private static final int THREADS = 2;

  private static final long CLOSE_SECONDS_MAX = 5;

  private final int bytesMax;
  private final Store store;
  private final AtomicInteger bytes = new AtomicInteger();
  private final Set<BlockId> waiting = ConcurrentHashMap.newKeySet();
  private final ThreadPoolExecutor threads;
  private volatile boolean stopped;
  private final LongAdder drops = new LongAdder();

  BackgroundFill(int bytesMax, Store store) {
    this.bytesMax = bytesMax;
    this.store = store;
    this.threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // bounded by bytesMax
            work -> {
              Thread thread = new Thread(work, "curvefs-memcached-fill");
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /** Queues a block, with a reference of its own, unless it waits already. Never blocks. */
  void offer(BlockId id, PagedBytes content) {
    if (!waiting.add(id)) {
      return;
    }
    if (bytes.addAndGet(content.heldBytes()) > bytesMax) {
      drop(id, content.heldBytes());
      return;
    }
    content.retain();
    try {
      threads.execute(() -> run(id, content));
    } catch (RejectedExecutionException e) { // closed
      drop(id, content.heldBytes());
      content.release();
    }
  }

  private void drop(BlockId id, int heldBytes) {
    drops.increment();
    bytes.addAndGet(-heldBytes);
    waiting.remove(id);
  }

  private void run(BlockId id, PagedBytes content) {
    try {
      if (stopped) {
        drops.increment();
      } else {
        store.store(id, content);
      }
    } catch (IOException e) {
      // The tier has counted it.
    } finally {
      bytes.addAndGet(-content.heldBytes());
      waiting.remove(id);
      content.release();
    }
  }

  long drops() {
    return drops.sum();
  }

  /** Whether nothing waits and nothing is under way. */
  boolean isIdle() {
    return waiting.isEmpty();
  }

  /** Stores what waits, as far as that is quickly done; the rest is dropped. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS)) {
        stopped = true;
        threads.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      stopped = true;
      Thread.currentThread().interrupt();
    }
  }
}
