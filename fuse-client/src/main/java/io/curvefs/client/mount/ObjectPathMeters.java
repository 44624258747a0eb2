package io.curvefs.client.mount;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.CacheStatistics;
import io.curvefs.cache.TierStatistics;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.ObjectStoreMetrics.Snapshot;
import io.curvefs.objectstore.ObjectStoreMetrics.Verb;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** What the way to a bucket counts: requests to it, and the tiers of the cache. */
final class ObjectPathMeters {
  private final MeterRegistry registry;
  private final ObjectStoreMetrics objects;
  private final BlockCache cache;

  ObjectPathMeters(MeterRegistry registry, ObjectStore objects, BlockCache cache) {
    this.registry = registry;
    this.objects = objects.metrics();
    this.cache = cache;
  }

  void register() {
    registerObjectStore();
    registerCache();
  }

  private void registerObjectStore() {
    requests(Verb.PUT, Snapshot::puts);
    requests(Verb.GET, Snapshot::gets);
    requests(Verb.DELETE, Snapshot::deletes);
    requests(Verb.LIST, Snapshot::lists);
    requests(Verb.HEAD, Snapshot::heads);
    counter("curvefs.s3.retries", () -> objects.snapshot().retries());
    counter("curvefs.s3.errors", () -> objects.snapshot().errors());
    counter("curvefs.s3.bytes.sent", () -> objects.snapshot().bytesSent());
    counter("curvefs.s3.bytes.received", () -> objects.snapshot().bytesReceived());
  }

  private void requests(Verb verb, ToLongFunction<Snapshot> requests) {
    counter(
        "curvefs.s3.requests", () -> requests.applyAsLong(objects.snapshot()), "verb", verb.name());
    FunctionTimer.builder(
            "curvefs.s3.answers",
            objects,
            all -> all.attemptsEnded(verb),
            all -> all.nanos(verb),
            TimeUnit.NANOSECONDS)
        .tags("verb", verb.name())
        .register(registry);
  }

  private void registerCache() {
    tier("memory", CacheStatistics::memory);
    tier("disk", CacheStatistics::disk);
    tier("memcached", CacheStatistics::memcached);
    counter("curvefs.cache.loads", () -> cache.statistics().sourceLoads());
    counter("curvefs.cache.prefetches", () -> cache.statistics().prefetchesIssued());
    counter("curvefs.cache.prefetches.dropped", () -> cache.statistics().prefetchesDropped());
  }

  private void tier(String name, Function<CacheStatistics, TierStatistics> tier) {
    tierCounter("curvefs.cache.hits", name, tier, TierStatistics::hits);
    tierCounter("curvefs.cache.misses", name, tier, TierStatistics::misses);
    tierCounter("curvefs.cache.bytes.served", name, tier, TierStatistics::bytesServed);
    tierCounter("curvefs.cache.evictions", name, tier, TierStatistics::evictions);
    tierCounter("curvefs.cache.drops", name, tier, TierStatistics::drops);
    tierCounter("curvefs.cache.errors", name, tier, TierStatistics::errors);
    gauge("curvefs.cache.blocks", () -> tier.apply(cache.statistics()).entries(), "tier", name);
    gauge("curvefs.cache.bytes", () -> tier.apply(cache.statistics()).bytes(), "tier", name);
  }

  private void tierCounter(
      String meter,
      String name,
      Function<CacheStatistics, TierStatistics> tier,
      ToLongFunction<TierStatistics> value) {
    counter(meter, () -> value.applyAsLong(tier.apply(cache.statistics())), "tier", name);
  }

  /** What only grows. */
  private void counter(String name, Reading value, String... tags) {
    FunctionCounter.builder(name, this, statistics -> value.now()).tags(tags).register(registry);
  }

  /** A value of the moment. */
  private void gauge(String name, Reading value, String... tags) {
    Gauge.builder(name, this, statistics -> value.now()).tags(tags).register(registry);
  }

  @FunctionalInterface
  private interface Reading {
    double now();
  }
}
