package io.curvefs.client.mount;

import io.curvefs.cache.LastingTiers;
import io.curvefs.client.content.Contents;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** How a mount gets at the bytes of its files. */
interface DataPath extends AutoCloseable {
  /** Where they are kept, for people. */
  String place();

  Contents contents();

  /** The tiers that a warmup fills; null: there are none. */
  @Nullable LastingTiers tiers();

  /**
   * Empties caches.
   *
   * @param memoryOnly only blocks in memory, so that the next reads come from what lies below
   */
  void drop(boolean memoryOnly) throws IOException;

  /** Has what it counts published. */
  void register(MeterRegistry registry);

  /** Call {@link Contents#flushAll} first. */
  @Override
  void close();
}
