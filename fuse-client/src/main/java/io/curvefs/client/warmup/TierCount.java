package io.curvefs.client.warmup;

import io.curvefs.cache.CacheTier;

/**
 * What a tier has of the files that were looked at, or what was taken out of it.
 *
 * @param files that it has wholly (evicted: of which it had something)
 * @param bytes of blocks
 */
public record TierCount(CacheTier tier, long files, long bytes) {}
