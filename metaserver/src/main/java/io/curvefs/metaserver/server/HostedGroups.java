package io.curvefs.metaserver.server;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.partition.PartitionReplica;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.metaserver.raft.RaftHost;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.GroupLoad;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.Partition;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The data groups that this server has a replica of. Thread-safe. */
final class HostedGroups implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HostedGroups.class);
  private static final int PARTITIONS_MAX = 100_000;

  private final RaftHost host;
  private final DataDirectory directory;
  private final ServerMetrics metrics;
  private final Map<GroupId, DataGroup> groups = new ConcurrentHashMap<>();

  HostedGroups(RaftHost host, DataDirectory directory, ServerMetrics metrics) {
    this.host = host;
    this.directory = directory;
    this.metrics = metrics;
  }

  /**
   * Starts a group unless it runs.
   *
   * @param members raft addresses; meant for a group that is new here
   */
  synchronized void ensure(GroupId id, List<HostPort> members) throws IOException {
    if (groups.containsKey(id)) {
      return;
    }
    RaftGroup<Outcome> raft =
        host.startGroup(
            id, directory.group(id), members, new PartitionReplica(), metrics.group(id));
    DataGroup group = new DataGroup(raft);
    groups.put(id, group);
    metrics.host(group, () -> load(group));
    log.info("group {} is hosted here", id);
  }

  @Nullable DataGroup find(GroupId id) {
    return groups.get(id);
  }

  Collection<DataGroup> all() {
    return groups.values();
  }

  /** What each group weighs, as its rows here say. */
  List<GroupLoad> loads() {
    return groups.values().stream().map(HostedGroups::load).toList();
  }

  private static GroupLoad load(DataGroup group) {
    GroupLoad.Builder load = GroupLoad.newBuilder().setGroup(group.id().value());
    Leadership leadership = group.leadership();
    if (leadership == null) {
      return load.build();
    }
    for (Row row : group.rows().scan(Keys.partitions(), null, PARTITIONS_MAX)) {
      Partition partition = Namespace.parse(row.value(), Partition.parser());
      load.setInodes(load.getInodes() + partition.getInodes());
      load.setBytes(load.getBytes() + partition.getBytes());
    }
    return load.setLeader(true).build();
  }

  @Override
  public synchronized void close() {
    groups.values().forEach(group -> group.raft().close());
    groups.clear();
  }
}
