package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that writes and evicts files. What waits for it is bounded in bytes; what exceeds
 * the bound is dropped, for a cache may forget. Thread-safe.
 */
final class BlockWriter implements AutoCloseable {
  /** Eviction goes down to this percentage of a limit, so that it is not needed for every write. */
  private static final int LOW_WATER_PERCENT = 95;

  private static final Duration DELETE_ALL_MAX = Duration.ofMinutes(5);
  private static final Duration STORE_MAX = Duration.ofSeconds(60);
  private static final Duration CLOSE_MAX = Duration.ofSeconds(5);

  private final CacheDirectory directory;
  private final DiskIndex index;
  private final FreeSpace freeSpace;
  private final ServiceGate gate;
  private final UUID namespace;
  private final long bytesMax;
  private final int filesMax;
  private final long queueBytesMax;
  private final ExecutorService thread;
  private final AtomicLong queuedBytes = new AtomicLong();

  /** Writes queued under an older number are dropped. */
  private final AtomicLong generation = new AtomicLong();

  final LongAdder evictions = new LongAdder();
  final LongAdder drops = new LongAdder();
  final LongAdder errors = new LongAdder();

  BlockWriter(
      DiskTierOptions options,
      CacheDirectory directory,
      DiskIndex index,
      FreeSpace freeSpace,
      ServiceGate gate) {
    this.directory = directory;
    this.index = index;
    this.freeSpace = freeSpace;
    this.gate = gate;
    this.namespace = options.namespace();
    this.bytesMax = options.bytesMax();
    this.filesMax = options.filesMax();
    this.queueBytesMax = options.queueBytesMax();
    this.thread =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread writer = new Thread(work, "curvefs-cache-writer");
              writer.setDaemon(true);
              return writer;
            });
  }

  /** Queues a block to be written, with a reference of its own. */
  void offer(BlockId id, PagedBytes content) {
    if (index.contains(id)) {
      return;
    }
    int held = content.heldBytes();
    if (queuedBytes.addAndGet(held) > queueBytesMax) {
      queuedBytes.addAndGet(-held);
      drops.increment();
      return;
    }
    content.retain();
    long queuedIn = generation.get();
    try {
      thread.execute(() -> writeQueued(id, content, queuedIn));
    } catch (RejectedExecutionException e) { // closed
      unqueue(content);
      drops.increment();
    }
  }

  private void writeQueued(BlockId id, PagedBytes content, long queuedIn) {
    try {
      if (generation.get() != queuedIn || !gate.letsThrough()) {
        drops.increment();
      } else if (!index.contains(id)) {
        write(id, content);
      }
    } catch (IOException e) {
      errors.increment();
      gate.failed(e);
    } finally {
      unqueue(content);
    }
  }

  private void unqueue(PagedBytes content) {
    queuedBytes.addAndGet(-content.heldBytes());
    content.release();
  }

  /**
   * Writes a block and holds it; returns when that is done.
   *
   * @throws CacheFullException if only blocks that are held could make room
   */
  void store(BlockId id, PagedBytes content, Hold hold) throws IOException {
    try {
      run(() -> writeHeld(id, content, hold)).get(STORE_MAX.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IOException("cannot write " + directory.pathOf(id) + ": " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new IOException("the cache disk took longer than " + STORE_MAX, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while writing " + directory.pathOf(id));
    }
  }

  private void writeHeld(BlockId id, PagedBytes content, Hold hold) throws IOException {
    long more = index.contains(id) ? 0 : DiskIndex.chargedBytes(id);
    if (index.heldBytes() + more > bytesMax) {
      throw new CacheFullException(
          "the disk cache is full of blocks that are pinned or being warmed");
    }
    if (more > 0 && !makeRoom(more)) {
      throw new CacheFullException("the cache disk has no space left");
    }
    if (more > 0) {
      List<ByteBuffer> bytes = content.buffers();
      directory.write(id, bytes, BlockFormat.tail(namespace, id, bytes));
    }
    index.hold(id, hold);
    evictToLimits();
  }

  private void write(BlockId id, PagedBytes content) throws IOException {
    if (!makeRoom(DiskIndex.chargedBytes(id))) {
      drops.increment();
      gate.passed();
      return;
    }
    List<ByteBuffer> bytes = content.buffers();
    directory.write(id, bytes, BlockFormat.tail(namespace, id, bytes));
    gate.passed();
    index.used(id);
    evictToLimits();
  }

  /** Whether {@code more} bytes fit without eating into the space that must stay free. */
  private boolean makeRoom(long more) throws IOException {
    long lacking = freeSpace.lackingFor(more);
    if (lacking > 0) {
      evictTo(Math.max(0, index.bytes() - lacking), filesMax);
      lacking = freeSpace.lackingFor(more);
    }
    return lacking == 0;
  }

  private void evictToLimits() throws IOException {
    if (index.bytes() > bytesMax || index.files() > filesMax) {
      evictTo(lowWater(bytesMax), (int) lowWater(filesMax));
    }
  }

  private static long lowWater(long limit) {
    return limit - limit / 100 * (100 - LOW_WATER_PERCENT);
  }

  private void evictTo(long bytes, int files) throws IOException {
    while (index.bytes() > bytes || index.files() > files) {
      BlockId oldest = index.takeOldest();
      if (oldest == null) {
        return;
      }
      if (directory.delete(oldest)) {
        evictions.increment();
      }
    }
  }

  /** Brings the directory within its limits, in the background. */
  void trim() {
    try {
      run(this::evictToLimits);
    } catch (RejectedExecutionException e) {
      // Closed meanwhile: the next start trims.
    }
  }

  /** Deletes every block of the namespace, those of other processes included. */
  void deleteAll() throws IOException {
    generation.incrementAndGet();
    CompletableFuture<@Nullable Void> done = run(this::deleteFiles);
    try {
      done.get(DELETE_ALL_MAX.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException("cannot empty " + directory.root() + ": " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new IOException(directory.root() + " was not emptied within " + DELETE_ALL_MAX, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while emptying " + directory.root());
    }
  }

  private void deleteFiles() throws IOException {
    index.clear();
    for (Path shard : directory.shards()) {
      for (Path file : CacheDirectory.filesOf(shard)) {
        if (CacheDirectory.blockNamed(file.getFileName().toString()) != null) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /**
   * Waits until everything that is queued now is written or dropped; false if that took too long.
   */
  boolean awaitQueued(Duration waitMax) throws InterruptedException {
    try {
      run(() -> {}).get(waitMax.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new AssertionError("nothing was to be done", e);
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private CompletableFuture<@Nullable Void> run(Work work) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    thread.execute(
        () -> {
          try {
            work.run();
            done.complete(null);
          } catch (IOException e) {
            errors.increment();
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  /** Writes what is queued, as far as that is quickly done; the rest is dropped. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(CLOSE_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
        generation.incrementAndGet();
        thread.awaitTermination(CLOSE_MAX.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      generation.incrementAndGet();
      Thread.currentThread().interrupt();
    }
  }
}
