package io.curvefs.cache.tier;

import java.time.Duration;

/**
 * How the tiers work together.
 *
 * @param pageWaitMax how long a read waits for pages before it fails
 * @param prefetchThreads prefetches that run at the same time, 1 or more
 * @param prefetchQueueMax prefetches that wait for a thread, 1 or more; what exceeds is dropped
 * @param writtenToMemory whether blocks just written are kept in memory
 * @param writtenToDisk whether blocks just written are kept on disk
 * @param writtenToMemcached whether blocks just written go to memcached
 * @param loadedToMemcached whether blocks loaded from the source go to memcached
 */
public record TieredOptions(
    Duration pageWaitMax,
    int prefetchThreads,
    int prefetchQueueMax,
    boolean writtenToMemory,
    boolean writtenToDisk,
    boolean writtenToMemcached,
    boolean loadedToMemcached) {
  /**
   * 10 s for pages, 8 prefetches at a time and 64 waiting, blocks just written kept on disk only,
   * blocks just loaded in memcached too.
   */
  public static final TieredOptions DEFAULTS =
      new TieredOptions(Duration.ofSeconds(10), 8, 64, false, true, false, true);

  public TieredOptions {
    if (pageWaitMax.isNegative() || prefetchThreads < 1 || prefetchQueueMax < 1) {
      throw new IllegalArgumentException(
          "bad cache options: wait %s, %d prefetch threads, %d prefetches waiting"
              .formatted(pageWaitMax, prefetchThreads, prefetchQueueMax));
    }
  }

  /** The same, but for {@link #writtenToDisk}. */
  public TieredOptions withWrittenToDisk(boolean wanted) {
    return new TieredOptions(
        pageWaitMax,
        prefetchThreads,
        prefetchQueueMax,
        writtenToMemory,
        wanted,
        writtenToMemcached,
        loadedToMemcached);
  }
}
