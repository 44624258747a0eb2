package io.curvefs.cache.memcached;

import io.curvefs.cache.Threads;
import java.time.Duration;
import java.util.UUID;

/** Options of tests. */
public final class TestOptions {
  private static final Duration LONG = Duration.ofSeconds(20);

  private TestOptions() {}

  /** Waits so long that no busy machine makes a server seem lost. */
  public static MemcachedOptions patient(UUID namespace) {
    return waiting(namespace, LONG);
  }

  /** Waits only so long for an answer, and tries a lost server again at once. */
  public static MemcachedOptions waiting(UUID namespace, Duration silenceMax) {
    return new MemcachedOptions(
        namespace,
        silenceMax,
        LONG,
        LONG,
        Duration.ofMillis(20),
        1,
        8 << 20,
        8 << 20,
        8 << 20,
        LONG,
        LONG);
  }

  /** Waits until what was offered is stored. */
  public static void untilIdle(MemcachedTier tier) {
    Threads.until(tier::isIdle);
  }
}
