package io.curvefs.client.warmup;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.Hold;
import io.curvefs.cache.LastingTiers;
import io.curvefs.cache.TierRoom;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Tiers in memory that keep what is held, and fail on demand. */
final class FakeTiers implements LastingTiers {
  private final Map<CacheTier, Map<BlockId, Hold>> tiers = new EnumMap<>(CacheTier.class);
  private final Map<CacheTier, Long> bytesMax = new EnumMap<>(CacheTier.class);

  /** Bytes that ever came in: when they fit, nothing has to be added up. */
  private final Map<CacheTier, Long> used = new EnumMap<>(CacheTier.class);

  /** Of a block that nobody holds. */
  private static final Hold NOBODY = new Hold(Integer.MAX_VALUE, false);

  /** Blocks in the order in which they were asked for. */
  final List<BlockId> asked = new ArrayList<>();

  /** Blocks of each question what is there. */
  final List<Integer> presenceAsked = new ArrayList<>();

  /** Blocks that were asked for one by one whether they are there. */
  final List<BlockId> askedAlone = new ArrayList<>();

  /** How often loading a block of the slice fails. */
  final Map<Long, Integer> failures = new HashMap<>();

  /** How many may be warmed; more wait. */
  final Semaphore allowed = new Semaphore(Integer.MAX_VALUE / 2);

  /** Reached when the first block waits. */
  final CountDownLatch waiting = new CountDownLatch(1);

  /** How often a job was released. */
  final Semaphore releases = new Semaphore(0);

  /** Told of each job that is to be released. */
  volatile IntConsumer releasing = job -> {};

  /** Whether nobody answers what is there. */
  volatile boolean presenceFails;

  /** Thrown when room is asked for. */
  volatile @Nullable Error defect;

  FakeTiers tier(CacheTier tier, long max) {
    tiers.put(tier, new HashMap<>());
    bytesMax.put(tier, max);
    return this;
  }

  static FakeTiers disk(long max) {
    return new FakeTiers().tier(CacheTier.DISK, max);
  }

  @Override
  public boolean exists(CacheTier tier) {
    return tiers.containsKey(tier);
  }

  @Override
  public int warm(BlockId id, CacheTier tier, Hold hold) throws IOException {
    synchronized (this) {
      askedAlone.add(id);
    }
    return bring(id, tier, hold);
  }

  @Override
  public int bring(BlockId id, CacheTier tier, Hold hold) throws IOException {
    if (!allowed.tryAcquire()) {
      waiting.countDown();
      allowed.acquireUninterruptibly();
    }
    synchronized (this) {
      asked.add(id);
      Integer fails = failures.get(id.slice());
      if (fails != null && fails > 0) {
        failures.put(id.slice(), fails - 1);
        throw new IOException("object " + id + " is damaged");
      }
      Map<BlockId, Hold> there = tiers.get(tier);
      if (there.containsKey(id)) {
        there.put(id, hold);
        return 0;
      }
      boolean mayNotFit = used.merge(tier, 0L, Long::sum) + id.length() > bytesMax.get(tier);
      if (mayNotFit && id.length() > room(tier).bytesObtainable()) {
        throw new CacheFullException("full");
      }
      there.put(id, hold);
      used.merge(tier, (long) id.length(), Long::sum);
      return id.length();
    }
  }

  @Override
  public synchronized Set<BlockId> present(CacheTier tier, Collection<BlockId> ids)
      throws IOException {
    if (presenceFails) {
      throw new IOException("does not answer");
    }
    presenceAsked.add(ids.size());
    Set<BlockId> there = new HashSet<>(ids);
    there.retainAll(tiers.get(tier).keySet());
    return there;
  }

  @Override
  public synchronized Set<BlockId> held(CacheTier tier, Collection<BlockId> ids) {
    Set<BlockId> held = held(tier);
    held.retainAll(ids);
    return held;
  }

  @Override
  public synchronized boolean evict(BlockId id, CacheTier tier) {
    return tiers.get(tier).remove(id) != null;
  }

  @Override
  public void release(int job) {
    releasing.accept(job);
    synchronized (this) {
      for (Map<BlockId, Hold> there : tiers.values()) {
        there.replaceAll((id, hold) -> hold.job() == job && !hold.pinned() ? NOBODY : hold);
      }
    }
    releases.release();
  }

  synchronized Set<BlockId> held(CacheTier tier) {
    Set<BlockId> held = new HashSet<>();
    tiers
        .get(tier)
        .forEach(
            (id, hold) -> {
              if (hold != NOBODY) {
                held.add(id);
              }
            });
    return held;
  }

  synchronized Set<BlockId> blocks(CacheTier tier) {
    return Set.copyOf(tiers.get(tier).keySet());
  }

  synchronized int askedFor() {
    return asked.size();
  }

  @Override
  public synchronized TierRoom room(CacheTier tier) {
    Error thrown = defect;
    if (thrown != null) {
      throw thrown;
    }
    if (!exists(tier)) {
      return TierRoom.NONE;
    }
    long used = tiers.get(tier).keySet().stream().mapToLong(BlockId::length).sum();
    long held = held(tier).stream().mapToLong(BlockId::length).sum();
    return new TierRoom(bytesMax.get(tier), used, held);
  }
}
