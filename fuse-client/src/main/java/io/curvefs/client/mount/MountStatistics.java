package io.curvefs.client.mount;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.CacheStatistics;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.accesslog.AccessLog;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.metrics.MeterValues;
import io.curvefs.metrics.ProcessMeters;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.ObjectStoreMetrics.Snapshot;
import io.curvefs.objectstore.ObjectStoreMetrics.Verb;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Everything a mount counts, by name; docs/metrics.md explains each. What its parts count for
 * themselves is registered here; requests of the kernel and to the metaservers are metered where
 * they pass. Thread-safe. The registry holds these parts weakly, so this must be kept.
 */
final class MountStatistics {
  private final MeterRegistry registry;
  private final ObjectStoreMetrics objects;
  private final BlockCache cache;
  private final PagePool pool;
  private final WriteBuffer writeBuffer;
  private final Vfs vfs;
  private final Contents data;

  MountStatistics(
      MeterRegistry registry,
      ObjectStore objects,
      BlockCache cache,
      PagePool pool,
      WriteBuffer writeBuffer,
      Vfs vfs,
      Contents data,
      @Nullable AccessLog accessLog) {
    this.registry = registry;
    this.objects = objects.metrics();
    this.cache = cache;
    this.pool = pool;
    this.writeBuffer = writeBuffer;
    this.vfs = vfs;
    this.data = data;
    registerObjectStore();
    registerCache();
    registerMemory();
    registerWriteback();
    counter("curvefs.access.log.lines", () -> accessLog == null ? 0 : accessLog.lines());
    counter("curvefs.access.log.dropped", () -> accessLog == null ? 0 : accessLog.dropped());
    ProcessMeters.register(registry);
  }

  /** Values as {@code name{tag=value}}, in the order of their names. */
  Map<String, Double> values() {
    return MeterValues.of(registry);
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

  private void registerMemory() {
    gauge("curvefs.buffer.bytes.used", () -> (long) pool.inUse() * PagePool.PAGE_BYTES);
    gauge("curvefs.buffer.bytes.max", () -> (long) pool.capacity() * PagePool.PAGE_BYTES);
    counter("curvefs.buffer.waits", pool::waits);
    gauge("curvefs.write.buffer.bytes.used", writeBuffer::bytesUsed);
    gauge("curvefs.handles.open", vfs::openHandles);
  }

  private void registerWriteback() {
    gauge("curvefs.writeback.files", staged(StagedUsage::files));
    gauge("curvefs.writeback.blocks", staged(StagedUsage::blocks));
    gauge("curvefs.writeback.bytes", staged(StagedUsage::bytes));
    gauge("curvefs.writeback.journal.bytes", staged(StagedUsage::storedBytes));
    gauge("curvefs.writeback.oldest.seconds", staged(usage -> usage.oldest().toMillis() / 1000.0));
    counter("curvefs.writeback.throttled", staged(StagedUsage::throttled));
    counter("curvefs.writeback.failures", staged(StagedUsage::failures));
    gauge("curvefs.writeback.failing", staged(usage -> usage.failure() == null ? 0 : 1));
  }

  /** A value of the write-back journal; 0 without one. */
  private Reading staged(ToDoubleFunction<StagedUsage> value) {
    return () -> {
      Optional<StagedUsage> usage = data.staged();
      return usage.isPresent() ? value.applyAsDouble(usage.get()) : 0;
    };
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
