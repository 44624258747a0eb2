package io.curvefs.metaserver.server;

import com.google.protobuf.MessageLite;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.raft.GroupMetrics;
import io.curvefs.metaserver.raft.GroupPosition;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.StateStore;
import io.curvefs.metrics.LatencyTimers;
import io.curvefs.metrics.MeterValues;
import io.curvefs.metrics.ProcessMeters;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.GroupLoad;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.ReadRequest;
import io.curvefs.rpc.RpcMethod;
import io.curvefs.space.VolumeLayout;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/** The meters of a metaserver; docs/metrics.md lists them. Thread-safe. */
final class ServerMetrics {
  /** Rows that are counted at most, and how often: they are walked through. */
  private static final int ROWS_COUNTED_MAX = 10_000;

  private static final Duration ROWS_COUNTED_EVERY = Duration.ofSeconds(10);

  private final MeterRegistry registry;
  private final Map<String, Timer> requests = new ConcurrentHashMap<>();

  ServerMetrics(MeterRegistry registry) {
    this.registry = registry;
    ProcessMeters.register(registry);
  }

  /** A request has been answered, or refused, so long after it arrived. */
  void answered(RpcMethod method, MessageLite request, long nanos) {
    requests
        .computeIfAbsent(
            operation(method, request),
            operation ->
                LatencyTimers.timer(registry, "curvefs.server.requests", "operation", operation))
        .record(nanos, TimeUnit.NANOSECONDS);
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

  /** For a group that is going to be hosted here. */
  GroupMetrics group(GroupId group) {
    String tag = group.toString();
    Map<LogEntry.BodyCase, Counter> entries = new ConcurrentHashMap<>();
    Timer commits = LatencyTimers.timer(registry, "curvefs.raft.commits", "group", tag);
    Timer applies = LatencyTimers.timer(registry, "curvefs.raft.applies", "group", tag);
    Timer logWrites = LatencyTimers.timer(registry, "curvefs.raft.log.writes", "group", tag);
    return new GroupMetrics() {
      @Override
      public void applied(LogEntry.BodyCase kind) {
        entries
            .computeIfAbsent(
                kind, k -> registry.counter("curvefs.raft.entries", "group", tag, "kind", k.name()))
            .increment();
      }

      @Override
      public void committed(long nanos) {
        commits.record(nanos, TimeUnit.NANOSECONDS);
      }

      @Override
      public void batchApplied(long nanos) {
        applies.record(nanos, TimeUnit.NANOSECONDS);
      }

      @Override
      public void logWritten(long nanos) {
        logWrites.record(nanos, TimeUnit.NANOSECONDS);
      }
    };
  }

  /** A group is hosted here. */
  void host(RaftGroup<?> group) {
    position("curvefs.raft.leader", group, position -> position.leads() ? 1 : 0);
    position("curvefs.raft.term", group, GroupPosition::term);
    position("curvefs.raft.last.index", group, GroupPosition::lastIndex);
    position("curvefs.raft.committed.index", group, GroupPosition::committedIndex);
    position("curvefs.raft.applied.index", group, GroupPosition::appliedIndex);
    gauge("curvefs.raft.log.bytes", group.id(), group::logBytes);
    store("curvefs.store.file.bytes", group, StateStore.Figures::fileBytes);
    store("curvefs.store.memory.bytes", group, StateStore.Figures::memoryBytes);
    store("curvefs.store.rows", group, StateStore.Figures::rows);
  }

  /**
   * A data group is hosted here. What its leader alone may tell is 0 elsewhere, so that the sum
   * over all servers is right.
   */
  void host(DataGroup group, Supplier<GroupLoad> load) {
    host(group.raft());
    gauge("curvefs.group.inodes", group.id(), () -> load.get().getInodes());
    gauge("curvefs.group.bytes", group.id(), () -> load.get().getBytes());
    gauge("curvefs.group.garbage.rows", group.id(), rows(group, Keys.garbage()));
    gauge("curvefs.group.orphans", group.id(), rows(group, Keys.orphans()));
    space("total", group, SpaceRows.Held::own);
    space("used", group, SpaceRows.Held::ofFiles);
    space("reserved", group, SpaceRows.Held::ofSessions);
    space("quarantined", group, held -> held.group().getQuarantined());
    gauge(
        "curvefs.group.open.files",
        group.id(),
        () -> {
          Leadership leadership = group.leadership();
          return leadership == null ? 0 : leadership.opens().size();
        });
  }

  /** Bytes of the block groups that the group holds, of all file systems. */
  private void space(String what, DataGroup group, ToLongFunction<SpaceRows.Held> blocks) {
    LongSupplier bytes =
        () ->
            group.leadership() == null
                ? 0
                : VolumeLayout.BLOCK_BYTES
                    * SpaceRows.ofAllFileSystems(group.rows()).stream().mapToLong(blocks).sum();
    gauge(
        "curvefs.space." + what + ".bytes",
        group.id(),
        new Remembered(bytes, ROWS_COUNTED_EVERY, System::nanoTime));
  }

  private static LongSupplier rows(DataGroup group, byte[] prefix) {
    return new Remembered(
        () ->
            group.leadership() == null
                ? 0
                : group.rows().scan(prefix, null, ROWS_COUNTED_MAX).size(),
        ROWS_COUNTED_EVERY,
        System::nanoTime);
  }

  private void position(String name, RaftGroup<?> group, ToLongFunction<GroupPosition> value) {
    gauge(name, group.id(), () -> value.applyAsLong(group.position()));
  }

  private void store(String name, RaftGroup<?> group, ToLongFunction<StateStore.Figures> value) {
    gauge(name, group.id(), () -> value.applyAsLong(group.figures()));
  }

  private void gauge(String name, GroupId group, LongSupplier value) {
    Gauge.builder(name, value::getAsLong).tags("group", group.toString()).register(registry);
  }

  /** What all stores of the process share. */
  void memory(LongSupplier blockCacheBytes) {
    Gauge.builder("curvefs.store.block.cache.bytes", blockCacheBytes::getAsLong).register(registry);
  }

  /** How many clients the coordinator knows, where it leads. */
  void sessions(LongSupplier sessions) {
    Gauge.builder("curvefs.sessions", sessions::getAsLong).register(registry);
  }

  /** Everything metered, as {@code name{tag=value,...}}. */
  Map<String, Double> values() {
    return MeterValues.of(registry);
  }
}
