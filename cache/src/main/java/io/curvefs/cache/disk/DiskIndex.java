package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.Hold;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which blocks are believed to be in one directory, and which of them is to go next. A belief,
 * because other processes add and remove files: nothing but eviction and accounting rely on it.
 * Thread-safe; everything takes constant time (holding: on average) but for {@link #release},
 * {@link #letGo} and what {@link DirectoryScan} calls.
 *
 * <p>The queue has the blocks that may be evicted, least recently used last. The last one makes
 * room for a newcomer only if it is overdue or used less ({@link BlockUses}); else the newcomer
 * stays out. What is held or pinned is not in the queue.
 *
 * <p>A block's file is written or deleted by one thread at a time, from {@link #claim} to {@link
 * #written} or {@link #unclaim}, and from {@link #takeVictim} or {@link #takeOut} to {@link #left}
 * or {@link #stays}. Another one that wants to do the same waits; nobody can hold the block
 * meanwhile. A thread waits only when it changes no block itself, so two never wait for each other.
 */
final class DiskIndex {
  private static final int DISK_BLOCK_BYTES = 4096;

  /** May a block be written? */
  enum Claim {
    /** Yes; its room is taken until {@link #written} or {@link #unclaim}, which follows. */
    GRANTED,
    /** It is there. */
    KNOWN,
    /** When {@link #takeVictim} has made room. Ask again. */
    EVICT_FIRST,
    /** No: what is there is worth more, or held. */
    REFUSED
  }

  private static final class Entry {
    final @Nullable BlockId id;
    long lastUse;
    int holds;
    boolean pinned;
    boolean gone;

    /** Whether its file is being deleted; it is in no queue then. */
    boolean leaving;

    /** The last look at the directory that came after this block or found it. */
    int seen;

    /** Neighbours in the queue; itself when it is in none. */
    Entry newer = this;

    Entry older = this;

    Entry(@Nullable BlockId id) {
      this.id = id;
    }

    BlockId id() {
      if (id == null) {
        throw new IllegalStateException("the ends of the queue are no block");
      }
      return id;
    }

    boolean isHeld() {
      return holds > 0 || pinned;
    }

    boolean isInQueue() {
      return older != this;
    }

    void unlink() {
      newer.older = older;
      older.newer = newer;
      newer = this;
      older = this;
    }

    /** Puts this next to {@code other}, on its older side. */
    void linkBehind(Entry other) {
      older = other.older;
      newer = other;
      older.newer = this;
      other.older = this;
    }
  }

  /**
   * What a job holds; a block is there as often as the job held it. A job that runs ahead of its
   * reader gives up what was read, so what is gone is thrown out whenever it may be half of all.
   */
  private static final class JobHolds {
    private static final int TIDY_MIN = 1024;

    final List<Entry> entries = new ArrayList<>();
    private int tidyAt = TIDY_MIN;

    void add(Entry entry) {
      if (entries.size() >= tidyAt) {
        entries.removeIf(held -> held.gone);
        tidyAt = Math.max(TIDY_MIN, 2 * entries.size());
      }
      entries.add(entry);
    }
  }

  @GuardedBy("this")
  private final Map<BlockId, Entry> blocks = new HashMap<>();

  /** Both ends of the queue: the newest block is its older neighbour, the oldest its newer one. */
  @GuardedBy("this")
  private final Entry ends = new Entry(null);

  @GuardedBy("this")
  private final Map<Integer, JobHolds> heldByJob = new HashMap<>();

  /** Blocks whose files are being written or deleted. */
  @GuardedBy("this")
  private final Set<BlockId> changing = new HashSet<>();

  @GuardedBy("this")
  private final BlockUses uses;

  /** The block that was asked for last: pieces of it read one after the other are one use. */
  @GuardedBy("this")
  private @Nullable BlockId latest;

  @GuardedBy("this")
  private int looks;

  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private long heldBytes;

  @GuardedBy("this")
  private int heldFiles;

  @GuardedBy("this")
  private long claimedBytes;

  @GuardedBy("this")
  private int claimedFiles;

  /**
   * @param filesMax about how many blocks there will be at most
   */
  DiskIndex(int filesMax) {
    this.uses = new BlockUses(filesMax);
  }

  /** Room that a block's file takes on disk. */
  static long chargedBytes(BlockId id) {
    return (BlockFormat.fileBytes(id) + DISK_BLOCK_BYTES - 1L)
        / DISK_BLOCK_BYTES
        * DISK_BLOCK_BYTES;
  }

  // ---- uses ----

  /** Notes a use of the block, which is there. */
  synchronized void used(BlockId id) {
    Entry known = blocks.get(id);
    if (known == null) {
      countUse(id);
      add(id);
    } else if (countUse(id)) {
      uses.returned(uses.now() - known.lastUse, blocks.size());
      known.lastUse = uses.now();
      if (known.isInQueue()) {
        known.unlink();
        known.linkBehind(ends);
      }
    }
  }

  /** Notes that the block was asked for and could not be had: it may be there all the same. */
  synchronized void missed(BlockId id) {
    countUse(id);
  }

  /** False if this only continues the last use. */
  @GuardedBy("this")
  private boolean countUse(BlockId id) {
    if (id.equals(latest)) {
      return false;
    }
    latest = id;
    uses.count(id, blocks.size());
    return true;
  }

  // ---- coming and going ----

  /** A new entry, the newest of the queue. */
  @GuardedBy("this")
  private Entry add(BlockId id) {
    Entry entry = new Entry(id);
    entry.lastUse = uses.now();
    entry.seen = looks;
    entry.linkBehind(ends);
    blocks.put(id, entry);
    bytes += chargedBytes(id);
    return entry;
  }

  /**
   * Asks for the room of a block that is to be written. Waits while another thread writes or
   * deletes it.
   *
   * @param must whether all that is not held has to make room for it; then it also waits for what
   *     others are writing or deleting, when that is all that could
   */
  synchronized Claim claim(BlockId id, long bytesMax, int filesMax, boolean must)
      throws InterruptedIOException {
    try {
      Claim claim = claimNow(id, bytesMax, filesMax, must);
      while (claim == null) {
        wait();
        claim = claimNow(id, bytesMax, filesMax, must);
      }
      return claim;
    } catch (InterruptedException e) {
      throw interrupted(id);
    }
  }

  private static InterruptedIOException interrupted(BlockId id) {
    Thread.currentThread().interrupt();
    return new InterruptedIOException("interrupted while waiting for cached block " + id);
  }

  /** Null: when one of those that are changing has changed. */
  @GuardedBy("this")
  private @Nullable Claim claimNow(BlockId id, long bytesMax, int filesMax, boolean must) {
    long charge = chargedBytes(id);
    Entry oldest = ends.newer;
    if (changing.contains(id)) {
      return null;
    }
    if (blocks.containsKey(id)) {
      return Claim.KNOWN;
    }
    if (!uses.isKnown(id)) { // just made, and so not asked for yet
      countUse(id);
    }
    if (bytes + claimedBytes + charge <= bytesMax && blocks.size() + claimedFiles < filesMax) {
      claimedBytes += charge;
      claimedFiles++;
      changing.add(id);
      return Claim.GRANTED;
    } else if (heldBytes + charge > bytesMax || heldFiles >= filesMax) {
      return Claim.REFUSED;
    } else if (oldest == ends) {
      return must && !changing.isEmpty() ? null : Claim.REFUSED;
    } else if (must || uses.isOverdue(oldest.lastUse) || uses.isUsedMore(id, oldest.id())) {
      return Claim.EVICT_FIRST;
    } else {
      return Claim.REFUSED;
    }
  }

  /** Gives a claimed room back. */
  synchronized void unclaim(BlockId id) {
    claimedBytes -= chargedBytes(id);
    claimedFiles--;
    changed(id);
  }

  @GuardedBy("this")
  private void changed(BlockId id) {
    changing.remove(id);
    notifyAll();
  }

  /** Notes that the claimed block is there now. */
  synchronized void written(BlockId id, @Nullable Hold hold) {
    unclaim(id);
    if (!blocks.containsKey(id)) {
      add(id);
    }
    if (hold != null) {
      hold(id, hold.job());
    }
    if (hold != null && hold.pinned()) {
      pinned(id);
    }
  }

  /** The block that is to go next, which the caller deletes; null if all are held. */
  synchronized @Nullable BlockId takeVictim() {
    Entry oldest = ends.newer;
    if (oldest == ends) {
      return null;
    }
    leave(oldest);
    return oldest.id();
  }

  /**
   * Lets the caller delete the block, known or not, held or not. Waits while another thread writes
   * or deletes it.
   */
  synchronized void takeOut(BlockId id) throws InterruptedIOException {
    try {
      while (changing.contains(id)) {
        wait();
      }
    } catch (InterruptedException e) {
      throw interrupted(id);
    }
    Entry known = blocks.get(id);
    if (known == null) {
      changing.add(id);
    } else {
      leave(known);
    }
  }

  @GuardedBy("this")
  private void leave(Entry entry) {
    entry.leaving = true;
    entry.unlink();
    changing.add(entry.id());
  }

  /** Notes that the block, which was to be deleted, is not there any more. */
  synchronized void left(BlockId id) {
    Entry known = blocks.get(id);
    if (known != null) {
      known.leaving = false;
      gone(id);
    }
    changed(id);
  }

  /** Notes that the block, which was to be deleted, is still there; others go first now. */
  synchronized void stays(BlockId id) {
    Entry known = blocks.get(id);
    if (known != null) {
      known.leaving = false;
      if (!known.isHeld() && !known.isInQueue()) {
        known.linkBehind(ends);
      }
    }
    changed(id);
  }

  /** Notes that the block is not there. Who is just deleting it notes that alone. */
  synchronized void gone(BlockId id) {
    Entry was = blocks.get(id);
    if (was != null && !was.leaving) {
      blocks.remove(id);
      was.gone = true;
      was.unlink();
      bytes -= chargedBytes(id);
      if (was.isHeld()) {
        addHeld(id, -1);
      }
    }
  }

  @GuardedBy("this")
  private void addHeld(BlockId id, int files) {
    heldBytes += files * chargedBytes(id);
    heldFiles += files;
  }

  synchronized void clear() {
    blocks.values().forEach(entry -> entry.gone = true);
    blocks.clear();
    heldByJob.clear();
    ends.unlink();
    bytes = 0;
    heldBytes = 0;
    heldFiles = 0;
  }

  // ---- holds ----

  /**
   * Notes that the block is there and must not make room until the job is released.
   *
   * @return false: another thread is just writing or deleting it, and nothing was noted
   */
  synchronized boolean hold(BlockId id, int job) {
    if (changing.contains(id)) {
      return false;
    }
    Entry known = blocks.get(id);
    Entry entry = known == null ? add(id) : known;
    takeFromQueue(entry);
    entry.holds++;
    heldByJob.computeIfAbsent(job, key -> new JobHolds()).add(entry);
    return true;
  }

  /** Notes that the block is pinned. */
  synchronized void pinned(BlockId id) {
    Entry known = blocks.get(id);
    if (known != null) {
      takeFromQueue(known);
      known.pinned = true;
    }
  }

  @GuardedBy("this")
  private void takeFromQueue(Entry entry) {
    if (!entry.isHeld()) {
      entry.unlink();
      addHeld(entry.id(), 1);
    }
  }

  /** Ends the holds of a job, but not its pins. In time of the number of blocks it holds. */
  synchronized void release(int job) {
    JobHolds held = heldByJob.remove(job);
    if (held == null) {
      return;
    }
    held.entries.forEach(this::endHold);
  }

  /** Ends one of the job's holds of a block, if it has any. In time of the number it holds. */
  synchronized void letGo(BlockId id, int job) {
    JobHolds held = heldByJob.get(job);
    Entry entry = blocks.get(id);
    if (held != null && entry != null && held.entries.remove(entry)) {
      endHold(entry);
      if (held.entries.isEmpty()) {
        heldByJob.remove(job);
      }
    }
  }

  @GuardedBy("this")
  private void endHold(Entry entry) {
    entry.holds--;
    if (!entry.isHeld() && !entry.gone) {
      addHeld(entry.id(), -1);
      if (!entry.leaving) {
        entry.linkBehind(ends);
      }
    }
  }

  // ---- looking at the directory ----

  /** A file that a scan found. */
  record Found(BlockId id, boolean pinned, long modifiedMillis) {}

  /** From now on, what is neither added nor {@link #isSeen} counts as unseen. */
  synchronized void beginLook() {
    looks++;
  }

  /** Whether the block, whose file is there, is known. */
  synchronized boolean isSeen(BlockId id) {
    Entry known = blocks.get(id);
    if (known != null) {
      known.seen = looks;
    }
    return known != null;
  }

  /**
   * Adds what earlier processes left behind, as used before everything that is known.
   *
   * @param newestFirst by time of writing, which stands in for the unknown time of use
   */
  synchronized void addLeftBehind(List<Found> newestFirst) {
    long age = 0;
    for (Found found : newestFirst) {
      if (!blocks.containsKey(found.id())) {
        Entry entry = add(found.id());
        entry.lastUse = -age++;
        entry.unlink();
        entry.linkBehind(ends.newer);
        if (found.pinned()) {
          pinned(found.id());
        }
      }
    }
    uses.returned(age, blocks.size()); // as if the set were read over and over
  }

  /** Adds what another process has written meanwhile. */
  synchronized void addWrittenByOthers(List<Found> found) {
    for (Found file : found) {
      if (!blocks.containsKey(file.id())) {
        add(file.id());
      }
      if (file.pinned()) {
        pinned(file.id());
      }
    }
  }

  /** Forgets what the look that began last did not see in the sub-directories it went through. */
  synchronized void forgetUnseen(Set<Integer> shards) {
    List<BlockId> unseen = new ArrayList<>();
    blocks.forEach(
        (id, entry) -> {
          if (entry.seen != looks && shards.contains(CacheDirectory.shardOf(id))) {
            unseen.add(id);
          }
        });
    unseen.forEach(this::gone);
  }

  // ---- figures ----

  synchronized boolean contains(BlockId id) {
    return blocks.containsKey(id);
  }

  /** Whether the block is there and makes no room. */
  synchronized boolean isHeld(BlockId id) {
    Entry known = blocks.get(id);
    return known != null && known.isHeld();
  }

  synchronized int files() {
    return blocks.size();
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized long heldBytes() {
    return heldBytes;
  }

  /** Holds that are remembered, be they of blocks that are gone, for tests. */
  synchronized int holdsRemembered() {
    return heldByJob.values().stream().mapToInt(held -> held.entries.size()).sum();
  }

  synchronized int heldFiles() {
    return heldFiles;
  }
}
