package io.curvefs.client.meta;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Counts requests to the metaservers by operation. Thread-safe. */
final class MetaRequests {
  private final MeterRegistry registry;
  private final Map<Enum<?>, Counter> counters = new ConcurrentHashMap<>();

  MetaRequests(MeterRegistry registry) {
    this.registry = registry;
  }

  void count(Enum<?> operation) {
    counters
        .computeIfAbsent(
            operation, kind -> registry.counter("curvefs.meta.requests", "operation", kind.name()))
        .increment();
  }

  /** The counters' type, for messages that have no kinds. */
  enum Kind {
    KEEP_OPEN
  }
}
