package io.curvefs.client.meta;

import io.curvefs.metrics.LatencyTimers;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Counts and times requests to the metaservers by operation. Thread-safe. */
final class MetaRequests {
  private final MeterRegistry registry;
  private final Map<Enum<?>, Meters> meters = new ConcurrentHashMap<>();

  private record Meters(Counter asked, Timer answered) {}

  MetaRequests(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Sends a request that counts as one, however often it has to be repeated. */
  <T> CompletableFuture<T> send(Enum<?> operation, Supplier<CompletableFuture<T>> request) {
    Meters counting = meters.computeIfAbsent(operation, this::meters);
    counting.asked.increment();
    long begun = System.nanoTime();
    return request
        .get()
        .whenComplete(
            (answer, failure) ->
                counting.answered.record(System.nanoTime() - begun, TimeUnit.NANOSECONDS));
  }

  private Meters meters(Enum<?> operation) {
    return new Meters(
        registry.counter("curvefs.meta.requests", "operation", operation.name()),
        LatencyTimers.timer(registry, "curvefs.meta.answers", "operation", operation.name()));
  }

  /** The operation of messages that have no kinds. */
  enum Kind {
    KEEP_OPEN
  }
}
