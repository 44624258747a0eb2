package io.curvefs.cache;

/**
 * What one tier has done since it was opened, and what it holds now.
 *
 * @param hits reads that the tier answered
 * @param misses reads that it could not answer
 * @param bytesServed bytes of the answered reads
 * @param entries blocks held now
 * @param bytes room taken by these blocks now
 * @param evictions blocks given up to make room
 * @param drops blocks offered but not taken (queue full, no room, out of service)
 * @param errors failed reads and writes, and corrupt blocks
 */
public record TierStatistics(
    long hits,
    long misses,
    long bytesServed,
    long entries,
    long bytes,
    long evictions,
    long drops,
    long errors) {
  /** The statistics of a tier that does not exist. */
  public static final TierStatistics NONE = new TierStatistics(0, 0, 0, 0, 0, 0, 0, 0);
}
