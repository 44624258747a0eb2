package io.curvefs.client.fuse.jnr;

import io.curvefs.metrics.LatencyTimers;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Counts and times the kernel's requests. Thread-safe. */
final class FuseMetrics {
  private final Map<Callbacks.Place, Timer> operations = new EnumMap<>(Callbacks.Place.class);
  private final Counter bytesRead;
  private final Counter bytesWritten;

  FuseMetrics(MeterRegistry registry) {
    for (Callbacks.Place place : Callbacks.Place.values()) {
      operations.put(
          place,
          LatencyTimers.timer(registry, "curvefs.fuse.operations", "operation", place.name()));
    }
    bytesRead = registry.counter("curvefs.fuse.bytes.read");
    bytesWritten = registry.counter("curvefs.fuse.bytes.written");
  }

  void done(Callbacks.Place operation, long nanos) {
    Timer timer = operations.get(operation);
    if (timer != null) {
      timer.record(nanos, TimeUnit.NANOSECONDS);
    }
  }

  void read(long bytes) {
    bytesRead.increment((double) bytes);
  }

  void written(long bytes) {
    bytesWritten.increment((double) bytes);
  }
}
