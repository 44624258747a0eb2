package io.curvefs.metrics;

import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What the meters of a registry say now; docs/metrics.md explains each. */
public final class MeterValues {
  private MeterValues() {}

  /**
   * Values as {@code name{tag=value,...}}, in the order of their names. A timer has three: the
   * number of events under its own name, their time behind {@code .seconds}, and the longest lately
   * behind {@code .max.seconds}.
   */
  public static Map<String, Double> of(MeterRegistry registry) {
    Map<String, Double> values = new TreeMap<>();
    for (Meter meter : registry.getMeters()) {
      for (Measurement measured : meter.measure()) {
        String suffix =
            switch (measured.getStatistic()) {
              case TOTAL_TIME -> ".seconds";
              case MAX -> ".max.seconds";
              case COUNT, VALUE, TOTAL, ACTIVE_TASKS, DURATION, UNKNOWN -> "";
            };
        values.put(meter.getId().getName() + suffix + tags(meter), measured.getValue());
      }
    }
    return values;
  }

  private static String tags(Meter meter) {
    return meter.getId().getTags().isEmpty()
        ? ""
        : meter.getId().getTags().stream()
            .map((Tag tag) -> tag.getKey() + "=" + tag.getValue())
            .collect(Collectors.joining(",", "{", "}"));
  }
}
