package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.space.BlockRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that this mount has reserved in one raft group and pool set and not used yet. Who writes
 * is promised blocks first, so that a full volume is told to write(2), and takes them when it knows
 * how many it needs. Reserved is in advance, the more the faster it is used up, so that a stream of
 * writes does not wait for a request. Thread-safe.
 */
final class SpacePool {
  /** What is reserved at least: 1 MiB. */
  private static final int STEP_MIN = 256;

  /** And at most: 64 MiB. */
  private static final int STEP_MAX = 1 << 14;

  /** When blocks were used up faster, more are asked for. */
  private static final long FAST_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long SPARE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long RETRY_MILLIS = 100;

  private final VolumeMeta meta;
  private final int group;
  private final String poolSet;
  private final Duration restMax;
  private final Executor background;
  private final LongSupplier nanoTime;
  private final AbandonedBlocks abandoned;

  /** By address of the first block; neighbours are one range. All of {@link #session}. */
  @GuardedBy("this")
  private final NavigableMap<Long, Integer> free = new TreeMap<>();

  @GuardedBy("this")
  private @Nullable SessionId session;

  @GuardedBy("this")
  private long blocks;

  /** Of those, the ones that somebody will take. */
  @GuardedBy("this")
  private long promised;

  @GuardedBy("this")
  private int step = STEP_MIN;

  @GuardedBy("this")
  private long askedAt;

  @GuardedBy("this")
  private long usedAt;

  @GuardedBy("this")
  private boolean scarce;

  @GuardedBy("this")
  private boolean asking;

  /**
   * @param restMax how long it may take for freed blocks to be given out again: a writer waits so
   *     long for them
   */
  SpacePool(
      VolumeMeta meta,
      int group,
      String poolSet,
      Duration restMax,
      Executor background,
      LongSupplier nanoTime) {
    this.meta = meta;
    this.group = group;
    this.poolSet = poolSet;
    this.restMax = restMax;
    this.background = background;
    this.nanoTime = nanoTime;
    this.abandoned = new AbandonedBlocks(meta, group, nanoTime);
  }

  /** Reserved blocks and whose they are. */
  record Taken(SessionId session, List<BlockRange> ranges) {}

  /**
   * Sets blocks aside for a write; {@link #take} or {@link #unpromise} follows.
   *
   * @param inode of the group, in whose name is asked
   * @throws RefusedException ENOSPC
   */
  void promise(InodeId inode, int count, long behind) throws RefusedException {
    long deadline = nanoTime.getAsLong() + restMax.toNanos();
    while (true) {
      int missing;
      int wanted;
      synchronized (this) {
        dropOfLostSession();
        usedAt = nanoTime.getAsLong();
        missing = (int) Math.max(0, promised + count - blocks);
        if (missing == 0) {
          promised += count;
        }
        boolean few = !scarce && blocks - promised < step / 2;
        if (asking && missing > 0) {
          awaitAnswer();
          continue;
        }
        if (asking || (missing == 0 && !few)) {
          return;
        }
        asking = true;
        wanted = scarce ? missing : Math.max(missing, nextStep());
      }
      if (missing == 0) {
        background.execute(() -> askAhead(inode, wanted));
        return;
      }
      ask(inode, wanted, missing, behind, deadline);
    }
  }

  /** Somebody asks already, and for more than the own need. Ends within the bound of a request. */
  @GuardedBy("this")
  private void awaitAnswer() throws RefusedException {
    try {
      TimeUnit.MILLISECONDS.timedWait(this, RETRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    }
  }

  @GuardedBy("this")
  private int nextStep() {
    long now = nanoTime.getAsLong();
    step = now - askedAt < FAST_NANOS ? Math.min(STEP_MAX, step * 2) : Math.max(STEP_MIN, step / 2);
    askedAt = now;
    return step;
  }

  private void askAhead(InodeId inode, int wanted) {
    long behind;
    synchronized (this) {
      behind = free.isEmpty() ? 0 : free.lastKey() + free.lastEntry().getValue() - 1;
    }
    try {
      add(meta.reserve(inode, poolSet, wanted, 1, behind));
    } catch (RefusedException e) {
      synchronized (this) {
        scarce = true; // a writer that needs some will hear why
      }
    } finally {
      answered();
    }
  }

  private synchronized void answered() {
    asking = false;
    notifyAll();
  }

  private void ask(InodeId inode, int wanted, int missing, long behind, long deadline)
      throws RefusedException {
    try {
      add(meta.reserve(inode, poolSet, wanted, missing, behind));
    } catch (RefusedException e) {
      if (e.refusal() != Refusal.SPACE_RESTS) {
        throw e;
      }
      if (nanoTime.getAsLong() - deadline > 0) {
        throw new RefusedException(Refusal.ENOSPC);
      }
      pause();
    } finally {
      answered();
    }
  }

  private static void pause() throws RefusedException {
    try {
      Thread.sleep(RETRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    }
  }

  /** An answer that took so long that its session is over brings nothing. */
  private synchronized void add(VolumeMeta.Granted granted) {
    if (!meta.isCurrent(granted.session())) {
      return;
    }
    if (session == null || !session.equals(granted.session())) {
      free.clear();
      blocks = 0;
      session = granted.session();
    }
    scarce = granted.scarce();
    granted.ranges().forEach(this::put);
  }

  @GuardedBy("this")
  private void put(BlockRange range) {
    blocks += range.count();
    long begin = range.address();
    long end = begin + range.count();
    Map.Entry<Long, Integer> before = free.lowerEntry(begin);
    if (before != null && before.getKey() + before.getValue() == begin && fits(before, end)) {
      begin = before.getKey();
    }
    Integer after = free.get(end);
    if (after != null && end + after - begin <= STEP_MAX) {
      free.remove(end);
      end += after;
    }
    free.put(begin, (int) (end - begin));
  }

  /** Ranges stay shorter than an int can count. */
  private static boolean fits(Map.Entry<Long, Integer> before, long end) {
    return end - before.getKey() <= STEP_MAX;
  }

  @GuardedBy("this")
  private void dropOfLostSession() {
    if (session != null && !meta.isCurrent(session)) {
      free.clear();
      blocks = 0;
      session = null;
    }
  }

  /** So many promised blocks are not needed after all. */
  synchronized void unpromise(int count) {
    promised -= count;
  }

  /**
   * Takes promised blocks.
   *
   * @param behind address of the block behind which they are best; 0: anywhere
   * @throws RefusedException EIO when the session is lost, and the blocks with it
   */
  synchronized Taken take(int count, long behind) throws RefusedException {
    promised -= count;
    dropOfLostSession();
    SessionId owner = session;
    if (owner == null || blocks < count) {
      throw new RefusedException(
          Refusal.EIO, "the session with the metaservers was lost, and reserved blocks with it");
    }
    List<BlockRange> taken = new ArrayList<>();
    int left = count;
    Integer next = behind == 0 ? null : free.get(behind + 1);
    if (next != null) {
      left -= takeFrom(behind + 1, left, taken);
    }
    while (left > 0) {
      left -= takeFrom(bestFor(left), left, taken);
    }
    usedAt = nanoTime.getAsLong();
    return new Taken(owner, taken);
  }

  /** The shortest range that is long enough, else the longest. */
  @GuardedBy("this")
  private long bestFor(int count) {
    long best = 0;
    int length = 0;
    for (Map.Entry<Long, Integer> range : free.entrySet()) {
      int candidate = range.getValue();
      boolean better =
          length < count ? candidate > length : candidate >= count && candidate < length;
      if (better) {
        best = range.getKey();
        length = candidate;
      }
    }
    return best;
  }

  @GuardedBy("this")
  private int takeFrom(long address, int wanted, List<BlockRange> into) {
    int length = free.remove(address);
    int count = Math.min(length, wanted);
    if (length > count) {
      free.put(address + count, length - count);
    }
    blocks -= count;
    into.add(new BlockRange(address, count));
    return count;
  }

  /**
   * Blocks that were taken and not committed. A write of them may still be under way, so they rest
   * before they are given back.
   *
   * @param rest how long
   */
  void abandon(Taken uncommitted, Duration rest) {
    abandoned.add(uncommitted, rest);
  }

  /** Gives back to the metaserver what has been abandoned long enough. */
  void giveBackAbandoned() {
    abandoned.giveBackRested();
  }

  /**
   * Gives back to the metaserver what is not promised, when it is scarce or nobody has used any for
   * a while.
   *
   * @param all in any case
   */
  void giveBackSpare(boolean all) {
    List<BlockRange> spare = new ArrayList<>();
    SessionId owner;
    synchronized (this) {
      dropOfLostSession();
      owner = session;
      boolean idle = nanoTime.getAsLong() - usedAt > SPARE_NANOS;
      if (owner == null || asking || !(all || idle || scarce)) {
        return;
      }
      while (blocks > promised) {
        takeFrom(free.lastKey(), (int) Math.min(STEP_MAX, blocks - promised), spare);
      }
      if (idle) {
        step = STEP_MIN;
        scarce = false;
      }
    }
    if (!spare.isEmpty()) {
      try {
        meta.giveBack(group, owner, spare);
      } catch (RefusedException e) {
        // They may be given back or not, so nobody may use them; the session's end tells.
      }
    }
  }

  /** Blocks that are reserved and not used. */
  synchronized long blocks() {
    return blocks;
  }
}
