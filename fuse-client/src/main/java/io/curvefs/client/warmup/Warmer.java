package io.curvefs.client.warmup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.Hold;
import io.curvefs.cache.LastingTiers;
import io.curvefs.client.pace.Bandwidth;
import io.curvefs.client.warmup.PresenceAhead.Presence;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Moves blocks into tiers with some threads, as they are named by one. A file is cached when every
 * block of it is in every tier. Blocks that wait are bounded in number, those on their way in bytes
 * over all jobs.
 */
final class Warmer implements Parts.Sink, AutoCloseable {
  private static final int WAITING_PER_THREAD = 4;
  private static final long CLOSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

  private final LastingTiers tiers;
  private final List<CacheTier> wanted;
  private final Hold hold;
  private final InFlight inFlight;
  private final Bandwidth bandwidth;
  private final Outcomes outcomes;
  private final Stop stop;
  private final @Nullable OrderedWindow window;
  private final PresenceAhead memcached;
  private final ExecutorService threads;
  private final Semaphore waiting;
  private final int waitingMax;

  /** The job does not wait any longer. */
  private volatile boolean over;

  /** Tiers that have said that they are full: they are asked before the next block is fetched. */
  @GuardedBy("this")
  private final Set<CacheTier> full = EnumSet.noneOf(CacheTier.class);

  Warmer(
      LastingTiers tiers,
      JobRequest request,
      int job,
      InFlight inFlight,
      Bandwidth bandwidth,
      Outcomes outcomes,
      Stop stop,
      @Nullable OrderedWindow window) {
    this.tiers = tiers;
    this.wanted = request.storage().tiers();
    this.hold = new Hold(job, request.pin());
    this.inFlight = inFlight;
    this.bandwidth = bandwidth;
    this.outcomes = outcomes;
    this.stop = stop;
    this.window = window;
    this.memcached = new PresenceAhead(tiers, CacheTier.MEMCACHED);
    this.waitingMax = request.threads() * WAITING_PER_THREAD;
    this.waiting = new Semaphore(waitingMax);
    this.threads =
        Executors.newFixedThreadPool(
            request.threads(), new DefaultThreadFactory("warmup-" + job, true));
  }

  /** A file that waits for its reader is asked for when its turn has come. */
  @Override
  public void expect(List<BlockId> blocks) {
    if (window == null) {
      memcached.expect(blocks);
    }
  }

  @Override
  public Parts.FileWork begin(Parts.Target target) throws InterruptedException {
    stop.check();
    if (window == null) {
      return new OneFile(target, null);
    }
    OrderedWindow.Ahead ahead = window.admit(target);
    return ahead == null ? new Overtaken(target) : new OneFile(target, ahead);
  }

  /** Waits until every block that was named is where it belongs, or has failed. */
  void finish() throws InterruptedException {
    stop.acquire(waiting, waitingMax);
    waiting.release(waitingMax);
    stop.check(); // blocks that came after it was asked were passed over
  }

  /**
   * Ends the threads; what they are moving now is awaited for a while. What comes later than that
   * is not held.
   */
  @Override
  public void close() {
    close(CLOSE_NANOS_MAX);
  }

  void close(long nanosMax) {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(nanosMax, TimeUnit.NANOSECONDS)) {
        threads.shutdownNow();
        threads.awaitTermination(nanosMax, TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      threads.shutdownNow();
      Thread.currentThread().interrupt();
    } finally {
      over = true;
    }
  }

  /** Its reader was faster. */
  private final class Overtaken implements Parts.FileWork {
    private final Parts.Target target;

    Overtaken(Parts.Target target) {
      this.target = target;
    }

    @Override
    public void blocks(List<BlockId> blocks) {}

    @Override
    public void again() {}

    @Override
    public void end() {
      outcomes.skipped(target.path(), "read before its turn came");
    }

    @Override
    public void failed(String reason) {
      end();
    }

    @Override
    public void skipped(String reason) {
      end();
    }
  }

  /** A file of which blocks are on their way. */
  private final class OneFile implements Parts.FileWork {
    private final Parts.Target target;

    /** Its turn in the window; null: there is no window. */
    private final OrderedWindow.@Nullable Ahead ahead;

    /** Blocks on their way, and one for as long as more may be named. */
    @GuardedBy("this")
    private int left = 1;

    @GuardedBy("this")
    private @Nullable String failure;

    @GuardedBy("this")
    private @Nullable String skip;

    OneFile(Parts.Target target, OrderedWindow.@Nullable Ahead ahead) {
      this.target = target;
      this.ahead = ahead;
    }

    @Override
    public void blocks(List<BlockId> blocks) throws InterruptedException {
      if (window != null && ahead != null) {
        window.named(ahead, blocks);
      }
      memcached.next(blocks);
      for (BlockId block : blocks) {
        stop.acquire(waiting, 1);
        Presence there = inMemcached(block);
        synchronized (this) {
          left++;
        }
        threads.execute(() -> move(block, there));
      }
    }

    private void move(BlockId block, Presence inMemcached) {
      String failed = null;
      try {
        if (!stop.isAsked()) {
          moveTo(block, inMemcached);
        }
      } catch (IOException e) {
        failed = Reasons.of(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException | Error e) {
        failed = "a defect: " + e;
        throw e;
      } finally {
        try {
          ended(failed, null);
        } finally {
          if (over) {
            tiers.release(hold.job()); // the job's own release came before this block
          }
          waiting.release(); // last: who waits for all blocks reads what was counted
        }
      }
    }

    @Override
    public void again() {}

    @Override
    public void end() {
      ended(null, null);
    }

    @Override
    public void failed(String reason) {
      ended(reason, null);
    }

    @Override
    public void skipped(String reason) {
      ended(null, reason);
    }

    private void ended(@Nullable String failed, @Nullable String skipped) {
      String why;
      String whyNot;
      synchronized (this) {
        failure = failure == null ? failed : failure;
        skip = skip == null ? skipped : skip;
        if (--left > 0) {
          return;
        }
        why = failure;
        whyNot = skip;
      }
      if (window != null && ahead != null) {
        window.settled(ahead);
      }
      if (stop.isAsked()) {
        return; // nobody knows what became of it
      }
      if (why != null) {
        outcomes.failed(
            new Entry(
                Entry.Kind.FILE,
                target.path(),
                com.google.protobuf.ByteString.EMPTY,
                why,
                target.inode().value(),
                target.length()));
      } else if (whyNot != null) {
        outcomes.skipped(target.path(), whyNot);
      } else {
        outcomes.cached();
      }
    }
  }

  private Presence inMemcached(BlockId block) {
    return wanted.contains(CacheTier.MEMCACHED) ? memcached.of(block) : Presence.UNKNOWN;
  }

  private void moveTo(BlockId block, Presence inMemcached)
      throws IOException, InterruptedException {
    int moved = 0;
    inFlight.acquire(block.length(), stop);
    try {
      for (CacheTier tier : wanted) {
        Presence there = tier == CacheTier.MEMCACHED ? inMemcached : Presence.UNKNOWN;
        moved = Math.max(moved, there == Presence.THERE ? 0 : warm(block, tier, there));
      }
    } finally {
      inFlight.release(block.length());
    }
    outcomes.done(block.length(), moved);
    bandwidth.spent(moved);
  }

  private int warm(BlockId block, CacheTier tier, Presence there) throws IOException {
    boolean absent = there == Presence.ABSENT;
    if (isFull(tier)
        && tiers.room(tier).bytesObtainable() < block.length()
        && (absent || tiers.present(tier, List.of(block)).isEmpty())) {
      throw new CacheFullException(full(tier));
    }
    try {
      return absent ? tiers.bring(block, tier, hold) : tiers.warm(block, tier, hold);
    } catch (CacheFullException e) {
      synchronized (this) {
        full.add(tier);
      }
      throw e;
    }
  }

  private synchronized boolean isFull(CacheTier tier) {
    return full.contains(tier);
  }

  private static String full(CacheTier tier) {
    return switch (tier) {
      case DISK -> "the disk cache is full of blocks that are pinned or being warmed";
      case MEMCACHED -> "the memcached servers are full";
    };
  }
}
