package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Blocks as checksummed files in one or more directories, which may be shared with other processes
 * and survive a restart. Thread-safe. Every byte served was checked against its checksum; a damaged
 * file is deleted and counts as a miss. Nothing is synced to disk, for what a crash tears is found
 * out.
 *
 * <p>Errors of a disk never reach the reader. After several in a row its directory is out of
 * service, for reading and for writing separately, and tried again after a while; its share of the
 * blocks goes to the others meanwhile. So is a directory whose disk does not answer: the threads
 * that are waiting for it then wait on, all others go past it. Processes that use a directory for
 * the same file system share its blocks and keep its limits together.
 */
public final class DiskTier implements AutoCloseable {
  /** How long after the start {@link #room} waits to know what earlier processes left behind. */
  static final Duration COMPLETE_MAX = Duration.ofSeconds(30);

  private final Placement placement;
  private final List<DiskStore> stores;
  private final InstantSource clock;
  private final Instant opened;

  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder bytesServed = new LongAdder();

  /** The spare room of the disk that a directory is on. */
  @FunctionalInterface
  interface FreeSpaces {
    FreeSpace of(Path directory) throws IOException;
  }

  private DiskTier(Placement placement, List<DiskStore> stores, InstantSource clock) {
    this.placement = placement;
    this.stores = List.copyOf(stores);
    this.clock = clock;
    this.opened = clock.instant();
  }

  /**
   * Opens the tier; blocks of earlier runs are served at once and counted as a look through the
   * directories, in the background, finds them.
   *
   * @param pool where the pages of what is read come from
   * @param clock when to try a failed disk again, and to go on without a look that does not end
   * @throws IOException with a message for the user, if a directory cannot be made, is a symbolic
   *     link, or belongs to or is writable by another user
   */
  public static DiskTier open(DiskTierOptions options, PagePool pool, InstantSource clock)
      throws IOException {
    return open(
        options,
        pool,
        clock,
        directory ->
            FreeSpace.of(
                Files.getFileStore(directory), options.freeRatioMin(), options.freeBytesMin()));
  }

  static DiskTier open(
      DiskTierOptions options, PagePool pool, InstantSource clock, FreeSpaces freeSpaces)
      throws IOException {
    return open(options, pool, clock, System::nanoTime, freeSpaces);
  }

  /**
   * @param nanoTime what tells how long the disk takes
   */
  static DiskTier open(
      DiskTierOptions options,
      PagePool pool,
      InstantSource clock,
      LongSupplier nanoTime,
      FreeSpaces freeSpaces)
      throws IOException {
    List<DiskStore> stores = new ArrayList<>();
    for (Path path : options.directories()) {
      CacheDirectory directory = CacheDirectory.open(path, options.namespace());
      FreeSpace freeSpace = freeSpaces.of(directory.root());
      stores.add(new DiskStore(options, directory, pool, clock, nanoTime, freeSpace));
    }
    stores.forEach(DiskStore::start);
    return new DiskTier(new Placement(options.directories()), stores, clock);
  }

  /**
   * Whether the thread has been waiting for a disk for so long that nobody should wait for it: the
   * directory is out of service then.
   */
  public boolean isStuck(Thread thread) {
    return stores.stream().anyMatch(store -> store.isStuck(thread));
  }

  /** The directories, the block's first choice first. */
  private List<DiskStore> ranked(BlockId id) {
    return stores.size() == 1 ? stores : placement.ranked(id).stream().map(stores::get).toList();
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

  /**
   * Asks the first directory in service, where other processes would put the block too, and those
   * that have got it while others were out of service.
   */
  private @Nullable PagedBytes load(BlockId id, int from, int length) throws IOException {
    boolean first = true;
    List<DiskStore> ranked = ranked(id);
    for (DiskStore store : ranked) {
      if (store.isReadable() && (first || store.mayHave(id))) {
        first = false;
        PagedBytes content = store.load(id, from, length);
        if (content != null) {
          return content;
        }
      }
    }
    ranked.get(0).missed(id);
    return null;
  }

  /**
   * Takes a block to be written in the background, unless too much waits already, or the tier is
   * full of blocks that are worth more. Never blocks.
   */
  public void offer(BlockId id, PagedBytes content) {
    List<DiskStore> ranked = ranked(id);
    DiskStore place = ranked.get(0);
    for (int i = ranked.size() - 1; i >= 0; i--) {
      place = ranked.get(i).isWritable() ? ranked.get(i) : place;
    }
    place.offer(id, content);
  }

  /**
   * Writes the block unless it is there, and holds it; returns when that is done. The caller keeps
   * its own reference. A directory that is full or fails passes the block on to the next one.
   *
   * @throws CacheFullException if only blocks that are held could make room
   * @throws IOException if no disk takes it
   */
  public void store(BlockId id, PagedBytes content, Hold hold) throws IOException {
    IOException failure = null;
    for (DiskStore store : ranked(id)) {
      try {
        store.store(id, content, hold);
        return;
      } catch (CacheFullException e) {
        failure = e; // the one that names the remedy
      } catch (IOException e) {
        failure = failure instanceof CacheFullException ? failure : e;
      }
    }
    throw Objects.requireNonNull(failure);
  }

  /**
   * Holds a block that is there.
   *
   * @return whether it is, and so is held now
   */
  public boolean hold(BlockId id, Hold hold) {
    return ranked(id).stream().anyMatch(store -> store.hold(id, hold));
  }

  /** Whether the block is held or pinned in a directory that {@link #room} counts. */
  public boolean isHeld(BlockId id) {
    return stores.stream().anyMatch(store -> store.isHeld(id));
  }

  /** Ends the holds of a warmup job, but not its pins. */
  public void release(int job) {
    stores.forEach(store -> store.release(job));
  }

  /**
   * Deletes the block's file, held or not, from every directory that has it.
   *
   * @return whether there was one
   * @throws IOException if one of them could not delete it or is out of service
   */
  public boolean evict(BlockId id) throws IOException {
    boolean was = false;
    IOException failure = null;
    for (DiskStore store : stores) {
      try {
        was |= store.evict(id);
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
    return was;
  }

  /**
   * What the directories in service can take now. Waits until their blocks are known, but not
   * longer than until {@link #COMPLETE_MAX} after the start, however often it is asked.
   */
  public TierRoom room() {
    TierRoom sum = TierRoom.NONE;
    try {
      for (DiskStore store : stores) {
        store.watch().awaitComplete(completeWait());
        TierRoom room = store.room();
        sum =
            new TierRoom(
                sum.bytesMax() + room.bytesMax(),
                sum.bytesUsed() + room.bytesUsed(),
                sum.bytesHeld() + room.bytesHeld());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return sum;
  }

  private Duration completeWait() {
    Duration left = COMPLETE_MAX.minus(Duration.between(opened, clock.instant()));
    boolean clockWentBack = left.compareTo(COMPLETE_MAX) > 0;
    return left.isNegative() || clockWentBack ? Duration.ZERO : left;
  }

  /** Whether the block's file is there and whole, as far as can be told without reading it. */
  public boolean contains(BlockId id) {
    return ranked(id).stream().anyMatch(store -> store.has(id));
  }

  /**
   * Waits until all blocks offered before are written or dropped.
   *
   * @return false if that took longer than {@code waitMax}
   */
  public boolean awaitWrites(Duration waitMax) throws InterruptedException {
    boolean done = true;
    for (DiskStore store : stores) {
      done &= store.awaitWrites(waitMax);
    }
    return done;
  }

  /**
   * Deletes every block of the namespace, pinned or not, and forgets what waits to be written.
   *
   * @throws IOException if some could not be deleted
   */
  public void dropAll() throws IOException {
    IOException failure = null;
    for (DiskStore store : stores) {
      try {
        store.deleteAll();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** A snapshot; blocks and bytes are what this process knows of. */
  public TierStatistics statistics() {
    return new TierStatistics(
        hits.sum(),
        misses.sum(),
        bytesServed.sum(),
        sum(DiskStore::files),
        sum(DiskStore::bytes),
        sum(DiskStore::evictions),
        sum(DiskStore::drops),
        sum(DiskStore::errors));
  }

  private long sum(ToLongFunction<DiskStore> figure) {
    return stores.stream().mapToLong(figure).sum();
  }

  /** Stops the background work; what waits to be written is written if that is quickly done. */
  @Override
  public void close() {
    stores.forEach(DiskStore::close);
  }

  /** Waits until the blocks of earlier processes are known, for tests. */
  void awaitScan() throws InterruptedException {
    for (DiskStore store : stores) {
      store.watch().awaitComplete(COMPLETE_MAX);
    }
  }

  /** Looks what other processes have changed, for tests. */
  void look() {
    stores.forEach(store -> store.watch().look());
  }
}
