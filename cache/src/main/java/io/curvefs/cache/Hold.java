package io.curvefs.cache;

/**
 * What keeps a warmed block in its tier.
 *
 * @param job the warmup job that asked for it: until {@link LastingTiers#release} of that job the
 *     block makes room for nothing else; 1 or more, unique within the process
 * @param pinned whether the block stays beyond the job's end, and a restart, until it is evicted by
 *     name
 */
public record Hold(int job, boolean pinned) {
  public Hold {
    if (job < 1) {
      throw new IllegalArgumentException("not a warmup job: " + job);
    }
  }
}
