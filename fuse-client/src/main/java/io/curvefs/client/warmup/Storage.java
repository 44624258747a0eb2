package io.curvefs.client.warmup;

import io.curvefs.cache.CacheTier;
import java.util.List;

/** Where a job puts, or looks for, what it is given. */
public enum Storage {
  DISK(CacheTier.DISK),
  MEMCACHED(CacheTier.MEMCACHED),
  /** Disk first: memcached is then filled from there. */
  BOTH(CacheTier.DISK, CacheTier.MEMCACHED);

  private final List<CacheTier> tiers;

  Storage(CacheTier... tiers) {
    this.tiers = List.of(tiers);
  }

  public List<CacheTier> tiers() {
    return tiers;
  }
}
