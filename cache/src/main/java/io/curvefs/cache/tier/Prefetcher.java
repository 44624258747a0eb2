package io.curvefs.cache.tier;

import io.curvefs.cache.BlockId;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/** Bounded background work, one piece per block at a time. What exceeds the bound is dropped. */
final class Prefetcher implements AutoCloseable {
  private static final long STOP_SECONDS_MAX = 5;

  private final Consumer<BlockId> work;
  private final ThreadPoolExecutor threads;
  private final Set<BlockId> pending = ConcurrentHashMap.newKeySet();
  private final LongAdder dropped = new LongAdder();

  Prefetcher(int threadsMax, int queueMax, Consumer<BlockId> work) {
    this.work = work;
    this.threads =
        new ThreadPoolExecutor(
            threadsMax,
            threadsMax,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(queueMax),
            task -> {
              Thread thread = new Thread(task, "curvefs-prefetch");
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  void submit(BlockId id) {
    if (!pending.add(id)) {
      return;
    }
    try {
      threads.execute(() -> run(id));
    } catch (RejectedExecutionException e) { // full or closed
      pending.remove(id);
      dropped.increment();
    }
  }

  private void run(BlockId id) {
    try {
      work.accept(id);
    } finally {
      pending.remove(id);
    }
  }

  void countDropped() {
    dropped.increment();
  }

  long dropped() {
    return dropped.sum();
  }

  /** Drops what waits, interrupts what runs. */
  @Override
  public void close() {
    threads.shutdownNow();
    try {
      threads.awaitTermination(STOP_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
