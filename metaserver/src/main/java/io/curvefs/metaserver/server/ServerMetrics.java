package io.curvefs.metaserver.server;

import com.google.protobuf.MessageLite;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.raft.GroupMetrics;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.ReadRequest;
import io.curvefs.rpc.RpcMethod;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** The counters of a metaserver; docs/metrics.md lists them. Thread-safe. */
final class ServerMetrics {
  private final MeterRegistry registry;
  private final Map<String, Counter> requests = new ConcurrentHashMap<>();

  ServerMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  /** A request has arrived. */
  void request(RpcMethod method, MessageLite request) {
    requests
        .computeIfAbsent(
            operation(method, request),
            operation -> registry.counter("curvefs.meta.requests", "operation", operation))
        .increment();
  }

  private static String operation(RpcMethod method, MessageLite request) {
    return switch (method) {
      case READ -> ((ReadRequest) request).getKindCase().name();
      case MUTATE -> ((MutateRequest) request).getKindCase().name();
      case PARTICIPATE -> ((ParticipateRequest) request).getKindCase().name();
      case COORDINATE -> ((CoordinateRequest) request).getKindCase().name();
      case KEEP_OPEN, HELLO, STATS -> method.name();
    };
  }

  GroupMetrics group(GroupId group) {
    Map<LogEntry.BodyCase, Counter> entries = new ConcurrentHashMap<>();
    return kind ->
        entries
            .computeIfAbsent(
                kind,
                k ->
                    registry.counter(
                        "curvefs.raft.entries", "group", group.toString(), "kind", k.name()))
            .increment();
  }

  /** Every counter with its tags, as {@code name{tag=value,...}}. */
  Map<String, Double> values() {
    Map<String, Double> values = new TreeMap<>();
    for (Meter meter : registry.getMeters()) {
      String tags =
          meter.getId().getTags().stream()
              .map((Tag tag) -> tag.getKey() + "=" + tag.getValue())
              .collect(Collectors.joining(","));
      meter
          .measure()
          .forEach(
              measured ->
                  values.put(meter.getId().getName() + "{" + tags + "}", measured.getValue()));
    }
    return values;
  }
}
