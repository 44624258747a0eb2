package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.cache.page.PagesExhaustedException;
import io.curvefs.cache.queue.WorkQueue;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One cache directory in service: reading, writing, limits, the gates that take it out of service
 * when its disk fails, for reading and for writing separately, and the watch that does when its
 * disk hangs. Thread-safe.
 */
final class DiskStore implements AutoCloseable {
  private static final int WRITERS = 4;
  private static final Duration STORE_MAX = Duration.ofSeconds(60);
  private static final Duration DELETE_ALL_MAX = Duration.ofMinutes(5);

  private final CacheDirectory directory;
  private final UUID namespace;
  private final PagePool pool;
  private final Duration pageWaitMax;
  private final DiskIndex index;
  private final HangWatch hangs;
  private final ServiceGate reading;
  private final ServiceGate writing;
  private final BlockWriter writer;
  private final WorkQueue queue;
  private final DirectoryWatch watch;

  private final LongAdder drops = new LongAdder();
  private final LongAdder errors = new LongAdder();

  DiskStore(
      DiskTierOptions options,
      CacheDirectory directory,
      PagePool pool,
      InstantSource clock,
      LongSupplier nanoTime,
      FreeSpace freeSpace) {
    this.directory = directory;
    this.namespace = options.namespace();
    this.pool = pool;
    this.pageWaitMax = options.pageWaitMax();
    this.index = new DiskIndex(options.filesMaxEach());
    this.hangs =
        new HangWatch(
            "the disk of " + directory.root(), options.retryAfter(), nanoTime, directory::probe);
    this.reading = new ServiceGate("reading " + directory.root(), options.retryAfter(), clock);
    this.writing = new ServiceGate("writing " + directory.root(), options.retryAfter(), clock);
    this.writer = new BlockWriter(options, directory, index, hangs, freeSpace);
    this.queue =
        new WorkQueue(
            "cache directory " + directory.root(),
            "curvefs-cache-writer",
            WRITERS,
            options.queueBytesMax());
    this.watch =
        new DirectoryWatch(
            directory,
            new DirectoryScan(directory, index, hangs, clock),
            writer,
            hangs,
            errors::increment);
  }

  void start() {
    watch.start();
  }

  DirectoryWatch watch() {
    return watch;
  }

  /** Whether a block may be looked for here. */
  boolean isReadable() {
    return !hangs.isHanging() && reading.mayLetThrough();
  }

  /** Whether a block may be written here. */
  boolean isWritable() {
    return !hangs.isHanging() && writing.mayLetThrough();
  }

  /** Whether the thread does not come back from this directory's disk. */
  boolean isStuck(Thread thread) {
    return hangs.isStuck(thread);
  }

  /** Whether the block may be here; certain neither way, for other processes come and go. */
  boolean mayHave(BlockId id) {
    return index.contains(id) || !watch.isComplete();
  }

  /** Whether the block's file is here, whole as far as its length tells. */
  boolean has(BlockId id) {
    return isReadable() && hasFile(id);
  }

  private boolean hasFile(BlockId id) {
    return hangs.call(id, () -> directory.has(id));
  }

  /** Checked content from {@code from}, which is at a piece; null if it cannot be had. */
  @Nullable PagedBytes load(BlockId id, int from, int length) throws IOException {
    if (hangs.isHanging(id) || !reading.letsThrough()) {
      return null;
    }
    PagedBytes content = null; // set even when closing the file fails
    try {
      FileChannel file = hangs.call(id, () -> directory.open(id));
      try {
        content =
            PagedBytes.fill( // waiting for pages is no fault of the disk, so the rest is watched
                pool,
                length,
                pageWaitMax,
                into -> hangs.run(id, () -> BlockReader.read(file, namespace, id, from, into)));
      } finally {
        hangs.run(id, file::close);
      }
      reading.passed();
      index.used(id);
    } catch (NoSuchFileException e) {
      reading.passed();
      index.gone(id);
    } catch (CorruptBlockException e) {
      reading.passed();
      errors.increment();
      deleteDamaged(id);
    } catch (PagesExhaustedException | InterruptedIOException e) {
      throw e; // no fault of the disk
    } catch (ClosedByInterruptException e) {
      return content; // nor is this
    } catch (IOException e) {
      errors.increment();
      reading.failed(e);
    }
    return content;
  }

  private void deleteDamaged(BlockId id) {
    try {
      writer.evict(id);
    } catch (IOException e) {
      errors.increment();
    }
  }

  /** Notes that the block, whose place is here, was asked for and not found anywhere. */
  void missed(BlockId id) {
    index.missed(id);
  }

  /** Takes a block to be written in the background, unless too much waits already. */
  void offer(BlockId id, PagedBytes content) {
    long generation = writer.generation();
    // Behind writers that hang nothing should wait: its pages are needed.
    if (hangs.isHanging() || !queue.offer(content, () -> writeOffered(id, content, generation))) {
      drops.increment();
    }
  }

  private void writeOffered(BlockId id, PagedBytes content, long generation) {
    if (index.contains(id)) {
      return;
    }
    if (hangs.isHanging() || !writing.letsThrough()) {
      drops.increment();
      return;
    }
    try {
      if (!writer.write(id, content, generation)) {
        drops.increment();
      }
      writing.passed();
    } catch (CacheFullException e) {
      drops.increment();
      writing.passed();
    } catch (IOException e) {
      errors.increment();
      writing.failed(e);
    }
    lookIfDue();
  }

  /**
   * Those who write much see in time what others write. Not before the first look has ended, which
   * may take minutes and would keep the writers waiting.
   */
  private void lookIfDue() {
    if (!hangs.isHanging() && watch.isComplete() && writer.isLookDue()) {
      watch.look();
    }
  }

  /**
   * Writes the block unless it is there, and holds it; returns when that is done.
   *
   * @throws CacheFullException if only blocks that are held could make room
   * @throws IOException if the disk fails, is out of service, or takes too long
   */
  void store(BlockId id, PagedBytes content, Hold hold) throws IOException {
    if (hangs.isHanging() || !writing.letsThrough()) {
      throw outOfService();
    }
    try {
      queue.call(
          content,
          STORE_MAX,
          () -> writer.writeHeld(id, content, hold),
          () -> index.letGo(id, hold.job()));
      writing.passed();
    } catch (CacheFullException e) {
      writing.passed();
      throw e;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      errors.increment();
      writing.failed(e);
      throw new IOException("cannot write to cache directory " + directory.root() + ": " + e, e);
    }
    lookIfDue();
  }

  private IOException outOfService() {
    return new IOException(
        "cache directory " + directory.root() + " is out of service: its disk has failed or hangs");
  }

  /**
   * Holds a block that is here.
   *
   * @return false if it is not, or cannot be held
   */
  boolean hold(BlockId id, Hold hold) {
    try {
      return isReadable() && (index.contains(id) || hasFile(id)) && writer.hold(id, hold);
    } catch (IOException e) {
      errors.increment();
      writing.failed(e);
      return false;
    }
  }

  /** Whether the block is held or pinned here; not while the directory is out of service. */
  boolean isHeld(BlockId id) {
    return isWritable() && index.isHeld(id);
  }

  void release(int job) {
    index.release(job);
  }

  /**
   * Deletes the block's file, held or not; whether there was one.
   *
   * @throws IOException also if the directory is out of service and may have the block
   */
  boolean evict(BlockId id) throws IOException {
    if (!isReadable()) {
      if (mayHave(id)) {
        throw outOfService();
      }
      return false;
    }
    return writer.evict(id);
  }

  /** What can be taken now; none while the directory is out of service. */
  TierRoom room() {
    try {
      return isWritable() ? writer.room() : TierRoom.NONE;
    } catch (IOException e) {
      return TierRoom.NONE;
    }
  }

  /** Waits until nothing waits to be written. */
  boolean awaitWrites(Duration waitMax) throws InterruptedException {
    return queue.awaitIdle(waitMax);
  }

  /** Deletes every block of the namespace, and forgets what waits to be written. */
  void deleteAll() throws IOException {
    try {
      queue.call(null, DELETE_ALL_MAX, writer::deleteAll, () -> {});
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      errors.increment();
      throw new IOException("cannot empty " + directory.root() + ": " + e.getMessage(), e);
    }
  }

  int files() {
    return index.files();
  }

  long bytes() {
    return index.bytes();
  }

  long evictions() {
    return writer.evictions.sum();
  }

  long drops() {
    return drops.sum();
  }

  long errors() {
    return errors.sum();
  }

  /** Stops the background work; what waits to be written is written if that is quickly done. */
  @Override
  public void close() {
    queue.close();
    watch.close();
  }
}
