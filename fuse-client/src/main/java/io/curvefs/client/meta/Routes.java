package io.curvefs.client.meta;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Routing;
import io.curvefs.proto.ServerInfo;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Which group an inode lives in and which servers a group has, as last heard. Thread-safe. */
final class Routes {
  static final GroupId COORDINATOR = new GroupId(0);

  private final List<HostPort> firstServers;
  private volatile Routing routing = Routing.getDefaultInstance();

  /**
   * @param firstServers where to find the coordinator
   */
  Routes(List<HostPort> firstServers) {
    this.firstServers = List.copyOf(firstServers);
  }

  void update(Routing latest) {
    routing = latest;
  }

  long epoch() {
    return routing.getEpoch();
  }

  FileSystem fileSystem() {
    return routing.getFileSystem();
  }

  /** All data groups of the file system. */
  List<GroupId> groups() {
    return routing.getFileSystem().getPartitionGroupsList().stream()
        .distinct()
        .map(GroupId::new)
        .toList();
  }

  GroupId groupOf(InodeId inode) throws RefusedException {
    FileSystem fileSystem = routing.getFileSystem();
    if (inode.partition() >= fileSystem.getPartitionGroupsCount()) {
      throw new RefusedException(Refusal.ENOENT);
    }
    return new GroupId(fileSystem.getPartitionGroups(inode.partition()));
  }

  List<HostPort> members(GroupId group) {
    Routing current = routing;
    if (group.equals(COORDINATOR)) {
      return firstServers;
    }
    Map<Integer, ServerInfo> servers = new HashMap<>();
    current.getServersList().forEach(server -> servers.put(server.getId(), server));
    return current.getGroupsList().stream()
        .filter(info -> info.getId() == group.value())
        .flatMap(info -> info.getServersList().stream())
        .map(servers::get)
        .filter(Objects::nonNull)
        .map(LeaderClient::address)
        .toList();
  }

  @Override
  public String toString() {
    return String.join(",", firstServers.stream().map(HostPort::toString).toList());
  }
}
