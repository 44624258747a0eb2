package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.cache.queue.WorkQueue;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Stores blocks in the background, each once at a time. Thread-safe. */
final class BackgroundFill implements AutoCloseable {
  /** How a block is stored. */
  @FunctionalInterface
  interface Store {
    void store(BlockId id, PagedBytes content) throws IOException;
  }

  /** While one block's answers are waited for, another one is sent. */
  private static final int THREADS = 2;

  private final Store store;
  private final WorkQueue queue;
  private final Set<BlockId> waiting = ConcurrentHashMap.newKeySet();
  private final LongAdder drops = new LongAdder();

  BackgroundFill(int bytesMax, Store store) {
    this.store = store;
    this.queue = new WorkQueue("memcached", "curvefs-memcached-fill", THREADS, bytesMax);
  }

  /** Queues a block, with a reference of its own, unless it waits already. Never blocks. */
  void offer(BlockId id, PagedBytes content) {
    if (waiting.add(id) && !queue.offer(content, () -> run(id, content))) {
      waiting.remove(id);
      drops.increment();
    }
  }

  private void run(BlockId id, PagedBytes content) {
    try {
      store.store(id, content);
    } catch (IOException e) {
      // The tier has counted it.
    } finally {
      waiting.remove(id);
    }
  }

  long drops() {
    return drops.sum();
  }

  /** Whether nothing waits and nothing is under way. */
  boolean isIdle() {
    return queue.isIdle();
  }

  /** Stores what waits, as far as that is quickly done; the rest is dropped. */
  @Override
  public void close() {
    queue.close();
  }
}
