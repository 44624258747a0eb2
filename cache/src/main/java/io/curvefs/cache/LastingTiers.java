package io.curvefs.cache;

import java.io.IOException;
import java.util.Collection;
import java.util.Set;

/**
 * The tiers below memory, block by block, for a warmup: here failures are told, where a {@link
 * BlockCache} hides them. All methods may be called concurrently, and block until they are done,
 * within the bounds of the tiers and the source.
 */
public interface LastingTiers {
  /** Whether the tier exists in this mount now. */
  boolean exists(CacheTier tier);

  /**
   * Makes sure that the tier holds the whole block, taking it from the nearest tier that has it,
   * else from the source. When it returns, the block has been written where it belongs. Memory
   * keeps no copy. Repeatable: a block that is there already only gets the hold.
   *
   * @return bytes that had to be moved: 0 when the tier had the block
   * @throws CacheFullException if there is no room that others may give up
   * @throws IOException if the block cannot be had or cannot be written; the message says which
   */
  int warm(BlockId id, CacheTier tier, Hold hold) throws IOException;

  /**
   * {@link #warm} for a block that {@link #present} has just not named: servers that many share are
   * not asked for it once more.
   */
  int bring(BlockId id, CacheTier tier, Hold hold) throws IOException;

  /** Those of the blocks that the tier has, without reading them from beginning to end. */
  Set<BlockId> present(CacheTier tier, Collection<BlockId> ids) throws IOException;

  /** Those of the blocks that are held or pinned there, so that {@link #room} counts them out. */
  Set<BlockId> held(CacheTier tier, Collection<BlockId> ids);

  /**
   * Takes the block out of the tier and out of memory, pinned or not.
   *
   * @return whether it was in the tier
   * @throws IOException if it may still be there: a place that may have it fails, or is out of
   *     service
   */
  boolean evict(BlockId id, CacheTier tier) throws IOException;

  /** Ends the holds of a job; what it pinned stays pinned. */
  void release(int job);

  /** What the tier can take now. */
  TierRoom room(CacheTier tier);
}
