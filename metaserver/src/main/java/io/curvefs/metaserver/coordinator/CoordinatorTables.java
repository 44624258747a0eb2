package io.curvefs.metaserver.coordinator;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.Cluster;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.Routing;
import io.curvefs.proto.ServerInfo;
import io.curvefs.proto.Session;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The coordinator's rows, typed. As thread-safe as the view below it. */
final class CoordinatorTables {
  private static final int ROWS_MAX = 1_000_000;

  private final View view;

  CoordinatorTables(View view) {
    this.view = view;
  }

  boolean isFormed() {
    return view.get(Keys.cluster()) != null;
  }

  /**
   * @throws IllegalStateException before the cluster is formed
   */
  Cluster cluster() {
    byte[] value = view.get(Keys.cluster());
    if (value == null) {
      throw new IllegalStateException("the cluster is not formed yet");
    }
    return Namespace.parse(value, Cluster.parser());
  }

  List<ServerInfo> servers() {
    return all(Keys.servers(), ServerInfo.parser());
  }

  List<GroupInfo> groups() {
    return all(Keys.groups(), GroupInfo.parser());
  }

  List<FileSystem> fileSystems() {
    return all(Keys.fileSystems(), FileSystem.parser());
  }

  @Nullable FileSystem fileSystem(int id) {
    byte[] value = view.get(Keys.fileSystem(id));
    return value == null ? null : Namespace.parse(value, FileSystem.parser());
  }

  @Nullable FileSystem fileSystem(String name) {
    return fileSystems().stream()
        .filter(fileSystem -> fileSystem.getName().equals(name))
        .findFirst()
        .orElse(null);
  }

  List<Session> sessions() {
    return all(Keys.liveSessions(), Session.parser());
  }

  List<Session> sessionsOf(int fileSystem) {
    return sessions().stream().filter(session -> session.getFileSystem() == fileSystem).toList();
  }

  List<Session> endedSessions() {
    return all(Keys.endedSessions(), Session.parser());
  }

  boolean isLive(int session) {
    return view.get(Keys.liveSession(session)) != null;
  }

  List<CacheCluster> cacheClusters() {
    return all(Keys.cacheClusters(), CacheCluster.parser());
  }

  @Nullable CacheCluster cacheCluster(String name) {
    byte[] value = view.get(Keys.cacheCluster(name));
    return value == null ? null : Namespace.parse(value, CacheCluster.parser());
  }

  /** Names of the file systems that use a memcached cluster and are not being deleted. */
  List<String> usersOf(String cacheCluster) {
    return fileSystems().stream()
        .filter(fileSystem -> fileSystem.getCacheCluster().equals(cacheCluster))
        .filter(fileSystem -> fileSystem.getState() != FileSystem.State.DELETING)
        .map(FileSystem::getName)
        .toList();
  }

  /** Everything a client or server needs to find the others. */
  Routing.Builder routing() {
    Cluster cluster = cluster();
    return Routing.newBuilder()
        .setClusterUuid(cluster.getUuid())
        .setEpoch(cluster.getRoutingEpoch())
        .addAllServers(servers())
        .addAllGroups(groups());
  }

  private <T extends MessageLite> List<T> all(byte[] prefix, Parser<T> parser) {
    return view.scan(prefix, null, ROWS_MAX).stream()
        .map(row -> Namespace.parse(row.value(), parser))
        .toList();
  }
}
