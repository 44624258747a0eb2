package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.cache.page.PagesExhaustedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks as checksummed files in one directory, which may be shared with other processes and
 * survives a restart. Thread-safe. Every byte served was checked against its checksum; a damaged
 * file is deleted and counts as a miss. Nothing is synced to disk, for what a crash tears is found
 * out.
 *
 * <p>Errors of the disk never reach the reader. After several in a row the tier stops using the
 * disk, for reading and for writing separately, and tries again after a while. Limits hold per
 * process.
 */
public final class DiskTier implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DiskTier.class);
  private static final Duration SCAN_STOP_MAX = Duration.ofSeconds(5);

  private final CacheDirectory directory;
  private final UUID namespace;
  private final PagePool pool;
  private final Duration pageWaitMax;
  private final long bytesMax;
  private final InstantSource clock;
  private final DiskIndex index = new DiskIndex();
  private final ServiceGate gate;
  private final BlockWriter writer;
  private final Thread scan;

  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder bytesServed = new LongAdder();
  private final LongAdder readErrors = new LongAdder();

  private DiskTier(
      DiskTierOptions options,
      CacheDirectory directory,
      PagePool pool,
      InstantSource clock,
      FreeSpace freeSpace) {
    this.directory = directory;
    this.namespace = options.namespace();
    this.pool = pool;
    this.pageWaitMax = options.pageWaitMax();
    this.bytesMax = options.bytesMax();
    this.clock = clock;
    this.gate = new ServiceGate("reading " + directory.root(), options.retryAfter(), clock);
    ServiceGate writing =
        new ServiceGate("writing " + directory.root(), options.retryAfter(), clock);
    this.writer = new BlockWriter(options, directory, index, freeSpace, writing);
    this.scan = new Thread(this::scan, "curvefs-cache-scan");
    scan.setDaemon(true);
  }

  /**
   * Opens the tier; blocks of earlier runs are served at once and counted as a background scan
   * finds them.
   *
   * @param pool where the pages of what is read come from
   * @param clock when to try a failed disk again
   * @throws IOException with a message for the user, if the directory cannot be made, is a symbolic
   *     link, or belongs to or is writable by another user
   */
  public static DiskTier open(DiskTierOptions options, PagePool pool, InstantSource clock)
      throws IOException {
    CacheDirectory directory = CacheDirectory.open(options.directory(), options.namespace());
    FreeSpace freeSpace =
        FreeSpace.of(Files.getFileStore(directory.root()), options.freeRatioMin());
    return open(options, directory, pool, clock, freeSpace);
  }

  static DiskTier open(
      DiskTierOptions options,
      CacheDirectory directory,
      PagePool pool,
      InstantSource clock,
      FreeSpace freeSpace) {
    DiskTier tier = new DiskTier(options, directory, pool, clock, freeSpace);
    tier.scan.start();
    return tier;
  }

  /**
   * The content with a reference for the caller, or null.
   *
   * @throws IOException only for want of pages, or when interrupted while waiting for them
   */
  public @Nullable PagedBytes read(BlockId id) throws IOException {
    PagedBytes content = load(id, 0, id.length());
    count(content, id.length());
    return content;
  }

  /**
   * Fills {@code dst} with the bytes at {@code offset} of the block, or leaves it as it is and
   * returns false. Reads little more from disk than these bytes.
   *
   * @throws IOException only for want of pages, or when interrupted while waiting for them
   */
  public boolean readRange(BlockId id, int offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    Objects.checkFromIndexSize(offset, length, id.length());
    int from = offset / BlockFormat.PIECE_BYTES * BlockFormat.PIECE_BYTES;
    int pieces = (offset + length - from + BlockFormat.PIECE_BYTES - 1) / BlockFormat.PIECE_BYTES;
    int to = Math.min(id.length(), from + pieces * BlockFormat.PIECE_BYTES);
    PagedBytes content = load(id, from, to - from);
    count(content, length);
    if (content == null) {
      return false;
    }
    content.copyTo(offset - from, dst, length);
    content.release();
    return true;
  }

  private void count(@Nullable PagedBytes content, int bytesWanted) {
    if (content == null) {
      misses.increment();
    } else {
      hits.increment();
      bytesServed.add(bytesWanted);
    }
  }

  /** Checked content from {@code from}, which is at a piece; null if it cannot be had. */
  private @Nullable PagedBytes load(BlockId id, int from, int length) throws IOException {
    if (!gate.letsThrough()) {
      return null;
    }
    PagedBytes content = null; // set even when closing the file fails
    try (FileChannel file = directory.open(id)) {
      content =
          PagedBytes.fill(
              pool, length, pageWaitMax, into -> BlockReader.read(file, namespace, id, from, into));
      gate.passed();
      index.used(id);
    } catch (NoSuchFileException e) {
      gate.passed();
      index.gone(id);
    } catch (CorruptBlockException e) {
      gate.passed();
      readErrors.increment();
      deleteDamaged(id);
    } catch (PagesExhaustedException | InterruptedIOException e) {
      throw e; // no fault of the disk
    } catch (ClosedByInterruptException e) {
      return content; // nor is this
    } catch (IOException e) {
      readErrors.increment();
      gate.failed(e);
    }
    return content;
  }

  private void deleteDamaged(BlockId id) {
    index.gone(id);
    try {
      directory.delete(id);
    } catch (IOException e) {
      readErrors.increment();
    }
  }

  /** Takes a block to be written in the background, unless too much waits already. Never blocks. */
  public void offer(BlockId id, PagedBytes content) {
    writer.offer(id, content);
  }

  /**
   * Writes the block unless it is there, and holds it; returns when that is done. The caller keeps
   * its own reference.
   *
   * @throws CacheFullException if only blocks that are held could make room
   * @throws IOException if the disk fails
   */
  public void store(BlockId id, PagedBytes content, Hold hold) throws IOException {
    writer.store(id, content, hold);
  }

  /** Holds a block that is there. */
  public void hold(BlockId id, Hold hold) {
    index.hold(id, hold);
  }

  /** Ends the holds of a warmup job, but not its pins. */
  public void release(int job) {
    index.release(job);
  }

  /**
   * Deletes the block's file, held or not.
   *
   * @return whether there was one
   */
  public boolean evict(BlockId id) throws IOException {
    index.gone(id);
    return directory.delete(id);
  }

  /** What can be taken now. */
  public TierRoom room() {
    return new TierRoom(bytesMax, index.bytes(), index.heldBytes());
  }

  /** Whether the block's file is there, as far as can be told without reading it. */
  public boolean contains(BlockId id) {
    return index.contains(id) || Files.exists(directory.pathOf(id));
  }

  /**
   * Waits until all blocks offered before are written or dropped.
   *
   * @return false if that took longer than {@code waitMax}
   */
  public boolean awaitWrites(Duration waitMax) throws InterruptedException {
    return writer.awaitQueued(waitMax);
  }

  /**
   * Deletes every block of the namespace, and forgets what waits to be written.
   *
   * @throws IOException if some could not be deleted
   */
  public void dropAll() throws IOException {
    writer.deleteAll();
  }

  /** A snapshot; blocks and bytes are what this process knows of. */
  public TierStatistics statistics() {
    return new TierStatistics(
        hits.sum(),
        misses.sum(),
        bytesServed.sum(),
        index.files(),
        index.bytes(),
        writer.evictions.sum(),
        writer.drops.sum(),
        readErrors.sum() + writer.errors.sum());
  }

  /** Stops the background work; what waits to be written is written if that is quickly done. */
  @Override
  public void close() {
    scan.interrupt();
    writer.close();
    try {
      scan.join(SCAN_STOP_MAX.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void scan() {
    try {
      index.addOlder(DirectoryScan.oldestFirst(directory, clock.instant()));
      writer.trim();
    } catch (IOException e) {
      readErrors.increment();
      log.warn(
          "cannot list {}; its older files are served but not evicted: {}",
          directory.root(),
          e.toString());
    }
  }

  /** Waits for the scan, for tests. */
  void awaitScan() throws InterruptedException {
    scan.join();
  }
}
