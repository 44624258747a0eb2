package io.curvefs.cache;

/**
 * What a block cache has done since it was opened.
 *
 * @param memory the memory tier
 * @param disk the disk tier; {@link TierStatistics#NONE} without one
 * @param memcached the memcached tier; {@link TierStatistics#NONE} without one
 * @param sourceLoads loads from the source that succeeded, of whole blocks and of ranges
 * @param sourceBytes bytes of these loads
 * @param prefetchesIssued prefetches that were started
 * @param prefetchesDropped prefetches that were not, because workers or memory were busy
 */
public record CacheStatistics(
    TierStatistics memory,
    TierStatistics disk,
    TierStatistics memcached,
    long sourceLoads,
    long sourceBytes,
    long prefetchesIssued,
    long prefetchesDropped) {}
