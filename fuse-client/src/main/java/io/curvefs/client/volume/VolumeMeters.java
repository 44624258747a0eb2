package io.curvefs.client.volume;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.LongAdder;

/** What a mount counts of its volumes. Thread-safe. */
public final class VolumeMeters {
  final LongAdder reads = new LongAdder();
  final LongAdder bytesRead = new LongAdder();
  final LongAdder writes = new LongAdder();
  final LongAdder bytesWritten = new LongAdder();
  final LongAdder flushes = new LongAdder();
  final LongAdder bytesDiscarded = new LongAdder();

  /** Publishes the counters; see docs/metrics.md. */
  public void register(MeterRegistry registry, VolumeContents contents) {
    counter(registry, "curvefs.volume.reads", reads);
    counter(registry, "curvefs.volume.bytes.read", bytesRead);
    counter(registry, "curvefs.volume.writes", writes);
    counter(registry, "curvefs.volume.bytes.written", bytesWritten);
    counter(registry, "curvefs.volume.flushes", flushes);
    counter(registry, "curvefs.volume.bytes.discarded", bytesDiscarded);
    Gauge.builder("curvefs.volume.blocks.reserved", contents, VolumeContents::blocksReserved)
        .register(registry);
  }

  private static void counter(MeterRegistry registry, String name, LongAdder value) {
    FunctionCounter.builder(name, value, LongAdder::sum).register(registry);
  }
}
