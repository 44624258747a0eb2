package io.curvefs.client.mount;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.CacheStatistics;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.data.DataClient;
import io.curvefs.client.data.StagedUsage;
import io.curvefs.client.data.WriteBuffer;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Everything a mount counts, by name; docs/metrics.md explains each. */
record MountStatistics(
    MeterRegistry registry,
    ObjectStore objects,
    BlockCache cache,
    PagePool pool,
    WriteBuffer writeBuffer,
    Vfs vfs,
    DataClient data) {
  /** Values as {@code name{tag=value}}, in the order of their names. */
  Map<String, Double> values() {
    Map<String, Double> values = new TreeMap<>();
    for (Meter meter : registry.getMeters()) {
      String tags =
          meter.getId().getTags().stream()
              .map((Tag tag) -> tag.getKey() + "=" + tag.getValue())
              .collect(Collectors.joining(",", "{", "}"));
      for (Measurement measured : meter.measure()) {
        String suffix =
            switch (measured.getStatistic()) {
              case TOTAL_TIME -> ".seconds";
              case MAX -> ".max.seconds";
              default -> "";
            };
        values.put(
            meter.getId().getName() + suffix + (tags.equals("{}") ? "" : tags),
            measured.getValue());
      }
    }
    addObjects(values);
    addCaches(values);
    values.put("curvefs.buffer.bytes.used", (double) pool.inUse() * PagePool.PAGE_BYTES);
    values.put("curvefs.buffer.bytes.max", (double) pool.capacity() * PagePool.PAGE_BYTES);
    values.put("curvefs.buffer.waits", (double) pool.waits());
    values.put("curvefs.write.buffer.bytes.used", (double) writeBuffer.bytesUsed());
    values.put("curvefs.handles.open", (double) vfs.openHandles());
    data.staged().ifPresent(staged -> addStaged(values, staged));
    return values;
  }

  private static void addStaged(Map<String, Double> values, StagedUsage staged) {
    values.put("curvefs.writeback.files", (double) staged.files());
    values.put("curvefs.writeback.blocks", (double) staged.blocks());
    values.put("curvefs.writeback.bytes", (double) staged.bytes());
    values.put("curvefs.writeback.journal.bytes", (double) staged.storedBytes());
    values.put("curvefs.writeback.oldest.seconds", staged.oldest().toMillis() / 1000.0);
    values.put("curvefs.writeback.throttled", (double) staged.throttled());
    values.put("curvefs.writeback.failures", (double) staged.failures());
    values.put("curvefs.writeback.failing", staged.failure() == null ? 0.0 : 1.0);
  }

  private void addObjects(Map<String, Double> values) {
    ObjectStoreMetrics.Snapshot s3 = objects.metrics().snapshot();
    values.put("curvefs.s3.requests{verb=PUT}", (double) s3.puts());
    values.put("curvefs.s3.requests{verb=GET}", (double) s3.gets());
    values.put("curvefs.s3.requests{verb=DELETE}", (double) s3.deletes());
    values.put("curvefs.s3.requests{verb=LIST}", (double) s3.lists());
    values.put("curvefs.s3.requests{verb=HEAD}", (double) s3.heads());
    values.put("curvefs.s3.retries", (double) s3.retries());
    values.put("curvefs.s3.errors", (double) s3.errors());
    values.put("curvefs.s3.bytes.sent", (double) s3.bytesSent());
    values.put("curvefs.s3.bytes.received", (double) s3.bytesReceived());
  }

  private void addCaches(Map<String, Double> values) {
    CacheStatistics statistics = cache.statistics();
    addTier(values, "memory", statistics.memory());
    addTier(values, "disk", statistics.disk());
    values.put("curvefs.cache.loads", (double) statistics.sourceLoads());
    values.put("curvefs.cache.prefetches", (double) statistics.prefetchesIssued());
    values.put("curvefs.cache.prefetches.dropped", (double) statistics.prefetchesDropped());
  }

  private static void addTier(Map<String, Double> values, String tier, TierStatistics statistics) {
    String tag = "{tier=" + tier + "}";
    values.put("curvefs.cache.hits" + tag, (double) statistics.hits());
    values.put("curvefs.cache.misses" + tag, (double) statistics.misses());
    values.put("curvefs.cache.bytes.served" + tag, (double) statistics.bytesServed());
    values.put("curvefs.cache.blocks" + tag, (double) statistics.entries());
    values.put("curvefs.cache.bytes" + tag, (double) statistics.bytes());
    values.put("curvefs.cache.evictions" + tag, (double) statistics.evictions());
    values.put("curvefs.cache.drops" + tag, (double) statistics.drops());
    values.put("curvefs.cache.errors" + tag, (double) statistics.errors());
  }
}
