package io.curvefs.client.warmup;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.LastingTiers;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Asks a tier that is far away which blocks it has, many at a time and shortly before it matters.
 * For one thread, which names all blocks in the order in which they are expected, as a rule: where
 * it does not, some are asked for twice.
 */
final class PresenceAhead {
  /** Blocks asked for at once, whose answers may be so much older than the use of them. */
  static final int BATCH_MAX = 256;

  /** What is known of a block. */
  enum Presence {
    THERE,
    ABSENT,
    /** The tier did not answer, or was not asked. */
    UNKNOWN
  }

  private final LastingTiers tiers;
  private final CacheTier tier;

  /** Blocks that come next, and were not asked for yet. */
  private final Deque<BlockId> expected = new ArrayDeque<>();

  /** The last batch. */
  private final Map<BlockId, Presence> known = new HashMap<>();

  PresenceAhead(LastingTiers tiers, CacheTier tier) {
    this.tiers = tiers;
    this.tier = tier;
  }

  /** From now on these blocks are likely to come, in this order. */
  void expect(List<BlockId> blocks) {
    expected.clear();
    expected.addAll(blocks);
  }

  /** These blocks come now, expected or not. */
  void next(List<BlockId> blocks) {
    if (blocks.isEmpty()
        || known.containsKey(blocks.get(0))
        || blocks.get(0).equals(expected.peekFirst())) {
      return;
    }
    for (int i = blocks.size() - 1; i >= 0; i--) {
      expected.addFirst(blocks.get(i));
    }
  }

  /** What is known of a block of those that come now. */
  Presence of(BlockId block) {
    Presence answer = known.get(block);
    if (answer == null) {
      ask(block);
      answer = known.getOrDefault(block, Presence.UNKNOWN);
    }
    return answer;
  }

  private void ask(BlockId first) {
    List<BlockId> batch = new ArrayList<>();
    if (!first.equals(expected.peekFirst())) {
      batch.add(first);
    }
    while (batch.size() < BATCH_MAX && !expected.isEmpty()) {
      batch.add(expected.removeFirst());
    }
    known.clear();
    try {
      Set<BlockId> there = tiers.present(tier, batch);
      batch.forEach(
          block -> known.put(block, there.contains(block) ? Presence.THERE : Presence.ABSENT));
    } catch (IOException e) { // whoever moves a block finds out what is wrong with its server
      batch.forEach(block -> known.put(block, Presence.UNKNOWN));
    }
  }
}
