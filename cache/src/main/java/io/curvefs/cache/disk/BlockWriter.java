package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Writes, evicts and pins the files of one directory, within its limits. Any number of threads may
 * write at once: each first claims the room it needs. Thread-safe.
 */
final class BlockWriter {
  /**
   * Of the limit, the part that each other process may fill before this one sees it: every process
   * looks again after writing as much.
   */
  private static final int UNSEEN_PARTS = 64;

  /** Processes that are left such a part each. */
  private static final int OTHERS_MAX = 16;

  private final CacheDirectory directory;
  private final DiskIndex index;
  private final HangWatch hangs;
  private final FreeSpace freeSpace;
  private final UUID namespace;
  private final long bytesMax;
  private final int filesMax;

  /** Taken for reading while a file is written or deleted, for writing while all are deleted. */
  private final ReadWriteLock deletingAll = new ReentrantReadWriteLock();

  private final AtomicLong unlookedBytes = new AtomicLong();
  private volatile int others;

  /** Grows when all is deleted: what was offered before is not written any more. */
  private volatile long generation;

  final LongAdder evictions = new LongAdder();

  BlockWriter(
      DiskTierOptions options,
      CacheDirectory directory,
      DiskIndex index,
      HangWatch hangs,
      FreeSpace freeSpace) {
    this.directory = directory;
    this.index = index;
    this.hangs = hangs;
    this.freeSpace = freeSpace;
    this.namespace = options.namespace();
    this.bytesMax = options.bytesMaxEach();
    this.filesMax = options.filesMaxEach();
  }

  /** Notes how many other processes write into the directory. */
  void setOthers(int count) {
    others = Math.min(count, OTHERS_MAX);
  }

  /** Whether so much was written that it is time to look what others wrote. */
  boolean isLookDue() {
    long part = bytesMax / UNSEEN_PARTS;
    return unlookedBytes.get() > part && unlookedBytes.getAndSet(0) > part;
  }

  /** Most bytes that may be here now. */
  private long limit() throws IOException {
    return Math.min(share(), index.bytes() + spareBytes());
  }

  private long spareBytes() throws IOException {
    return hangs.call(freeSpace::spareBytes);
  }

  /** Of the limit, what this process may count on: the rest others may have filled unseen. */
  private long share() {
    return bytesMax - bytesMax / UNSEEN_PARTS * others;
  }

  /** What can be taken now. */
  TierRoom room() throws IOException {
    return new TierRoom(Math.max(0, limit()), index.bytes(), index.heldBytes());
  }

  /** To be handed to {@link #write}. */
  long generation() {
    return generation;
  }

  /**
   * Writes the block unless it is there, or others are worth more.
   *
   * @param offeredIn the generation in which the block was offered
   * @return whether the block is there now
   */
  boolean write(BlockId id, PagedBytes content, long offeredIn) throws IOException {
    deletingAll.readLock().lock();
    try {
      return offeredIn == generation && put(id, content, null);
    } finally {
      deletingAll.readLock().unlock();
    }
  }

  /**
   * Writes the block unless it is there, and holds it.
   *
   * @throws CacheFullException if only blocks that are held could make room
   */
  void writeHeld(BlockId id, PagedBytes content, Hold hold) throws IOException {
    deletingAll.readLock().lock();
    try {
      if (!put(id, content, hold)) {
        throw new CacheFullException(whyFull(id));
      }
    } finally {
      deletingAll.readLock().unlock();
    }
  }

  private boolean put(BlockId id, PagedBytes content, @Nullable Hold hold) throws IOException {
    return switch (makeRoom(id, hold != null)) {
      case REFUSED, EVICT_FIRST -> false;
      case KNOWN -> hold == null || holdKnown(id, hold) || put(id, content, hold);
      case GRANTED -> {
        writeClaimed(id, content, hold);
        yield true;
      }
    };
  }

  private void writeClaimed(BlockId id, PagedBytes content, @Nullable Hold hold)
      throws IOException {
    boolean written = false;
    boolean pinned = false;
    try {
      List<ByteBuffer> bytes = content.buffers();
      ByteBuffer tail = BlockFormat.tail(namespace, id, bytes);
      boolean toBePinned = hold != null && hold.pinned();
      pinned = hangs.call(id, () -> directory.write(id, bytes, tail, toBePinned));
      written = true;
    } catch (IOException e) {
      if (isFull(id)) {
        throw new CacheFullException(diskIsFull());
      }
      throw e;
    } finally {
      if (written) {
        index.written(id, hold);
        if (pinned) { // perhaps by another process
          index.pinned(id);
        }
        unlookedBytes.addAndGet(DiskIndex.chargedBytes(id));
      } else {
        index.unclaim(id);
      }
    }
  }

  /** Whether the disk has no space for the block, which is no fault. */
  private boolean isFull(BlockId id) {
    try {
      return spareBytes() < DiskIndex.chargedBytes(id);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Claims room, evicting what is needed for it. That is reckoned once: a disk that does not give
   * space back at once must not cost everything that is cached.
   */
  private DiskIndex.Claim makeRoom(BlockId id, boolean must) throws IOException {
    long limit = limit();
    boolean evicted = false;
    DiskIndex.Claim claim = index.claim(id, limit, filesMax, must);
    while (claim == DiskIndex.Claim.EVICT_FIRST && evictNext()) {
      evicted = true;
      claim = index.claim(id, limit, filesMax, must);
    }
    if (claim == DiskIndex.Claim.GRANTED && evicted && isFull(id)) {
      index.unclaim(id);
      return DiskIndex.Claim.REFUSED;
    }
    return claim;
  }

  /** Whether there was something to evict. */
  private boolean evictNext() throws IOException {
    BlockId next = index.takeVictim();
    if (next == null) {
      return false;
    }
    boolean stays = true;
    try {
      switch (hangs.call(next, () -> directory.deleteUnpinned(next))) {
        case KEPT -> index.pinned(next); // by another process
        case DELETED -> {
          stays = false;
          evictions.increment();
        }
        case ABSENT -> stays = false;
      }
    } finally {
      if (stays) {
        index.stays(next);
      } else {
        index.left(next);
      }
    }
    return true;
  }

  /** Evicts what exceeds the limits: of an earlier run, or because others use the disk. */
  void trim() throws IOException {
    deletingAll.readLock().lock();
    try {
      long limit = limit();
      boolean more = true;
      while (more && (index.bytes() > limit || index.files() > filesMax)) {
        more = evictNext();
      }
    } finally {
      deletingAll.readLock().unlock();
    }
  }

  /** Deletes the block's file, held or not; whether there was one. */
  boolean evict(BlockId id) throws IOException {
    deletingAll.readLock().lock();
    try {
      index.takeOut(id);
      boolean stays = true;
      try {
        boolean was = hangs.call(id, () -> directory.delete(id));
        stays = false;
        return was;
      } finally {
        if (stays) {
          index.stays(id);
        } else {
          index.left(id);
        }
      }
    } finally {
      deletingAll.readLock().unlock();
    }
  }

  /**
   * Holds a block that is believed to be there.
   *
   * @return false if it is not, or may be gone in a moment
   */
  boolean hold(BlockId id, Hold hold) throws IOException {
    if (!deletingAll.readLock().tryLock()) {
      return false;
    }
    try {
      return holdKnown(id, hold);
    } finally {
      deletingAll.readLock().unlock();
    }
  }

  private boolean holdKnown(BlockId id, Hold hold) throws IOException {
    if (!index.hold(id, hold.job())) { // first, so that it is not evicted between the two
      return false;
    }
    boolean there = hangs.call(id, () -> hold.pinned() ? directory.pin(id) : directory.has(id));
    if (!there) {
      index.gone(id);
      return false;
    }
    if (hold.pinned()) {
      index.pinned(id);
    }
    return true;
  }

  private String whyFull(BlockId id) {
    String giveUp = ", or give some up with 'curvefs warmup evict'";
    if (index.heldFiles() >= filesMax) {
      return directory.root()
          + " is full: all of its "
          + filesMax
          + " files are pinned or being warmed; mount with a larger cache_files"
          + giveUp;
    }
    if (index.heldBytes() + DiskIndex.chargedBytes(id) > share()) {
      return directory.root()
          + " is full: of its "
          + share()
          + " bytes, "
          + index.heldBytes()
          + " are pinned or being warmed; mount with a larger cache_size"
          + giveUp;
    }
    return diskIsFull();
  }

  private String diskIsFull() {
    return "the disk of "
        + directory.root()
        + " is full but for what must stay free: free some space, or mount with a smaller"
        + " cache_free";
  }

  /** Deletes every block of the namespace, those of other processes included. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // written under the lock
  void deleteAll() throws IOException {
    deletingAll.writeLock().lock();
    try {
      generation++;
      index.clear();
      for (int shard = 0; shard < DirectoryScan.SHARDS; shard++) {
        Path path = directory.pathOf(shard);
        for (Path file : hangs.call(() -> CacheDirectory.filesOf(path))) {
          BlockId id = CacheDirectory.blockNamed(file.getFileName().toString());
          if (id != null) {
            hangs.call(id, () -> directory.delete(id));
          }
        }
      }
    } finally {
      deletingAll.writeLock().unlock();
    }
  }
}
