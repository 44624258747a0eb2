package io.curvefs.client.warmup;

import io.curvefs.cache.CacheTier;
import java.util.List;

/** Where a job puts, or looks for, what it is given. */
public enum Storage {
  DISK,
  MEMCACHED,
  /** Disk first: memcached is then filled from there. */
  BOTH;

  public List<CacheTier> tiers() {
    return switch (this) {
      case DISK -> List.of(CacheTier.DISK);
      case MEMCACHED -> List.of(CacheTier.MEMCACHED);
      case BOTH -> List.of(CacheTier.DISK, CacheTier.MEMCACHED);
    };
  }
}
