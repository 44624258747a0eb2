package io.curvefs.client.warmup;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.LastingTiers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Counts what tiers have or hold of files, or takes it out of them. One thread adds, others may
 * ask.
 */
final class Inspector implements Parts.Sink {
  private final LastingTiers tiers;
  private final List<CacheTier> wanted;
  private final Work work;
  private final Outcomes outcomes;
  private final Stop stop;
  private final Map<CacheTier, TierCount> counts = new EnumMap<>(CacheTier.class);

  /** What is done with the blocks that are counted. */
  enum Work {
    LOOK,
    LOOK_FOR_HELD,
    EVICT
  }

  /** Tiers of a mount that has none of them are left out. */
  Inspector(LastingTiers tiers, List<CacheTier> wanted, Work work, Outcomes outcomes, Stop stop) {
    this.tiers = tiers;
    this.wanted = wanted.stream().filter(tiers::exists).toList();
    this.work = work;
    this.outcomes = outcomes;
    this.stop = stop;
    this.wanted.forEach(tier -> counts.put(tier, new TierCount(tier, 0, 0)));
  }

  synchronized List<TierCount> counts() {
    return List.copyOf(counts.values());
  }

  private synchronized void count(CacheTier tier, long files, long bytes) {
    counts.computeIfPresent(tier, (t, c) -> new TierCount(t, c.files() + files, c.bytes() + bytes));
  }

  @Override
  public Parts.FileWork begin(Parts.Target target) throws InterruptedException {
    stop.check();
    return new OneFile(target);
  }

  private final class OneFile implements Parts.FileWork {
    private final Parts.Target target;
    private final Map<CacheTier, Long> bytes = new EnumMap<>(CacheTier.class);
    private final Set<CacheTier> incomplete = EnumSet.noneOf(CacheTier.class);
    private long all;
    private String failure = "";

    OneFile(Parts.Target target) {
      this.target = target;
    }

    @Override
    public void blocks(List<BlockId> blocks) throws InterruptedException {
      stop.check();
      all += blocks.stream().mapToLong(BlockId::length).sum();
      for (CacheTier tier : wanted) {
        try {
          Set<BlockId> there = counted(tier, blocks);
          bytes.merge(tier, there.stream().mapToLong(BlockId::length).sum(), Long::sum);
          if (there.size() < new HashSet<>(blocks).size()) {
            incomplete.add(tier);
          }
        } catch (IOException e) {
          failure = Reasons.of(e);
        }
      }
    }

    private Set<BlockId> counted(CacheTier tier, List<BlockId> blocks) throws IOException {
      return switch (work) {
        case LOOK -> tiers.present(tier, blocks);
        case LOOK_FOR_HELD -> tiers.held(tier, blocks);
        case EVICT -> evicted(tier, blocks);
      };
    }

    private Set<BlockId> evicted(CacheTier tier, List<BlockId> blocks) throws IOException {
      Set<BlockId> gone = new HashSet<>();
      for (BlockId block : new ArrayList<>(blocks)) {
        if (tiers.evict(block, tier)) {
          gone.add(block);
        }
      }
      return gone;
    }

    @Override
    public void again() {
      bytes.clear();
      incomplete.clear();
      all = 0;
    }

    @Override
    public void end() {
      if (!failure.isEmpty()) {
        failed(failure);
        return;
      }
      for (CacheTier tier : wanted) {
        long there = bytes.getOrDefault(tier, 0L);
        boolean counts = work == Work.EVICT ? there > 0 : !incomplete.contains(tier);
        count(tier, counts ? 1 : 0, there);
      }
      outcomes.cached();
      outcomes.done(all, 0);
    }

    @Override
    public void failed(String reason) {
      outcomes.failed(Entry.of(Entry.Kind.FILE, target.path(), reason));
    }

    @Override
    public void skipped(String reason) {
      outcomes.skipped(target.path(), reason);
    }
  }
}
