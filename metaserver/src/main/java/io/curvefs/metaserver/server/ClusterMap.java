package io.curvefs.metaserver.server;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.GroupLoad;
import io.curvefs.proto.ServerInfo;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The cluster as the coordinator last described it. Thread-safe. */
final class ClusterMap implements Placement {
  /** Keeps an empty group from taking every new directory. */
  private static final double INODES_LIKE_EMPTY = 1000;

  private final Collection<HostPort> firstPeers;
  private final RandomGenerator random;
  private volatile CoordinateReply latest = CoordinateReply.getDefaultInstance();
  private volatile Map<Integer, FileSystem> fileSystems = Map.of();

  /**
   * @param firstPeers where to find the coordinator
   * @param random chooses among partitions
   */
  ClusterMap(Collection<HostPort> firstPeers, RandomGenerator random) {
    this.firstPeers = firstPeers;
    this.random = random;
  }

  void update(CoordinateReply reply) {
    fileSystems =
        reply.getFileSystemTableList().stream()
            .collect(Collectors.toUnmodifiableMap(FileSystem::getId, f -> f));
    latest = reply;
  }

  List<HostPort> members(GroupId group) {
    if (group.value() == 0) {
      return List.copyOf(firstPeers);
    }
    Map<Integer, ServerInfo> servers = new HashMap<>();
    latest.getRouting().getServersList().forEach(server -> servers.put(server.getId(), server));
    return latest.getRouting().getGroupsList().stream()
        .filter(info -> info.getId() == group.value())
        .flatMap(info -> info.getServersList().stream())
        .map(servers::get)
        .filter(Objects::nonNull)
        .map(LeaderClient::address)
        .toList();
  }

  List<GroupInfo> groups() {
    return latest.getRouting().getGroupsList();
  }

  List<ServerInfo> servers() {
    return latest.getRouting().getServersList();
  }

  /** File systems that can be used, by id. */
  Map<Integer, FileSystem> activeFileSystems() {
    return fileSystems.values().stream()
        .filter(fileSystem -> fileSystem.getState() == FileSystem.State.ACTIVE)
        .collect(Collectors.toUnmodifiableMap(FileSystem::getId, f -> f));
  }

  boolean isLive(SessionId session) {
    return latest.getLiveSessionsList().contains(session.value());
  }

  private FileSystem fileSystem(int id) throws RefusedException {
    FileSystem fileSystem = fileSystems.get(id);
    if (fileSystem == null) {
      // New, and we have not heard of it yet; or gone, and then the client will hear so.
      throw new RefusedException(Refusal.BUSY, "file system " + id + " is not known here yet");
    }
    return fileSystem;
  }

  @Override
  public GroupId groupOf(int fileSystem, int partition) throws RefusedException {
    FileSystem found = fileSystem(fileSystem);
    if (partition < 0 || partition >= found.getPartitionGroupsCount()) {
      throw new RefusedException(Refusal.BAD_REQUEST, "no such inode");
    }
    return new GroupId(found.getPartitionGroups(partition));
  }

  @Override
  public @Nullable VolumeStorage volumes(int fileSystem) throws RefusedException {
    FileSystem found = fileSystem(fileSystem);
    return found.hasVolumeStorage() ? found.getVolumeStorage() : null;
  }

  @Override
  public int choosePartition(int fileSystem) throws RefusedException {
    List<Integer> groups = fileSystem(fileSystem).getPartitionGroupsList();
    Map<Integer, Long> inodes =
        latest.getLoadsList().stream()
            .collect(Collectors.toMap(GroupLoad::getGroup, GroupLoad::getInodes, Math::max));
    double[] weights = new double[groups.size()];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = 1 / (INODES_LIKE_EMPTY + inodes.getOrDefault(groups.get(i), 0L));
      sum += weights[i];
    }
    double point = random.nextDouble() * sum;
    for (int i = 0; i < weights.length; i++) {
      point -= weights[i];
      if (point < 0) {
        return i;
      }
    }
    return weights.length - 1;
  }
}
