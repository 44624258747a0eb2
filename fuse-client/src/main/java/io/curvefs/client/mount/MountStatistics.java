package io.curvefs.client.mount;

import io.curvefs.cache.page.PagePool;
import io.curvefs.client.accesslog.AccessLog;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.metrics.MeterValues;
import io.curvefs.metrics.ProcessMeters;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Everything a mount counts, by name; docs/metrics.md explains each. What its parts count for
 * themselves is registered here; requests of the kernel and to the metaservers are metered where
 * they pass. Thread-safe. The registry holds these parts weakly, so this must be kept.
 */
final class MountStatistics {
  private final MeterRegistry registry;
  private final PagePool pool;
  private final WriteBuffer writeBuffer;
  private final Vfs vfs;
  private final Contents data;

  MountStatistics(
      MeterRegistry registry,
      PagePool pool,
      WriteBuffer writeBuffer,
      Vfs vfs,
      Contents data,
      @Nullable AccessLog accessLog) {
    this.registry = registry;
    this.pool = pool;
    this.writeBuffer = writeBuffer;
    this.vfs = vfs;
    this.data = data;
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
