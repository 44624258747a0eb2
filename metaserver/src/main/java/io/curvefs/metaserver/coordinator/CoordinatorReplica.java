package io.curvefs.metaserver.coordinator;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.Replica;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Cluster;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FormCluster;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.ServerInfo;
import io.curvefs.proto.Session;
import io.curvefs.proto.Timestamp;
import java.util.Arrays;
import java.util.List;

/** The state machine of group 0. Deterministic, stateless. */
public final class CoordinatorReplica implements Replica<CoordinatorOutcome> {
  @Override
  public CoordinatorOutcome apply(LogEntry entry, long index, WriteSet rows) {
    if (!entry.hasCoordinator()) {
      throw new IllegalStateException("not an entry of the coordinator: " + entry.getBodyCase());
    }
    CoordinatorChange change = entry.getCoordinator();
    CoordinatorTables tables = new CoordinatorTables(rows);
    return switch (change.getKindCase()) {
      case FORM_CLUSTER -> form(change.getFormCluster(), tables, rows);
      case REGISTER_SERVER -> register(change.getRegisterServer().getServer(), tables, rows);
      case CREATE_FILE_SYSTEM ->
          create(change.getCreateFileSystem().getFileSystem(), entry.getTime(), tables, rows);
      case ACTIVATE_FILE_SYSTEM ->
          move(
              change.getActivateFileSystem().getId(),
              List.of(FileSystem.State.CREATING, FileSystem.State.ACTIVE),
              FileSystem.State.ACTIVE,
              tables,
              rows);
      case BEGIN_DELETE_FILE_SYSTEM -> {
        int id = change.getBeginDeleteFileSystem().getId();
        if (!tables.sessionsOf(id).isEmpty()) {
          yield outcome(CoordinatorOutcome.Kind.MOUNTED);
        }
        yield move(
            id,
            List.of(FileSystem.State.ACTIVE, FileSystem.State.DELETING),
            FileSystem.State.DELETING,
            tables,
            rows);
      }
      case FORGET_FILE_SYSTEM -> forget(change.getForgetFileSystem().getId(), tables, rows);
      case OPEN_SESSION -> open(change.getOpenSession().getSession(), tables, rows);
      case CLOSE_SESSION -> close(change.getCloseSession().getId(), rows);
      case FORGET_SESSION -> {
        rows.delete(Keys.endedSession(change.getForgetSession().getId()));
        yield done(0);
      }
      case PUT_CACHE_CLUSTER -> CacheClusterChanges.put(change.getPutCacheCluster(), tables, rows);
      case REMOVE_CACHE_CLUSTER ->
          CacheClusterChanges.remove(change.getRemoveCacheCluster(), tables, rows);
      case BIND_CACHE_CLUSTER ->
          CacheClusterChanges.bind(change.getBindCacheCluster(), tables, rows);
      case ASSIGN_BLOCK_GROUPS ->
          VolumeChanges.assign(change.getAssignBlockGroups(), index, tables, rows);
      case RELEASE_BLOCK_GROUPS -> VolumeChanges.release(change.getReleaseBlockGroups(), rows);
      case PUT_VOLUMES -> VolumeChanges.put(change.getPutVolumes(), tables, rows);
      case KIND_NOT_SET ->
          throw new IllegalStateException("a change of a newer version is in the log");
    };
  }

  static CoordinatorOutcome done(int id) {
    return CoordinatorOutcome.newBuilder().setId(id).build();
  }

  static CoordinatorOutcome outcome(CoordinatorOutcome.Kind kind) {
    return CoordinatorOutcome.newBuilder().setKind(kind).build();
  }

  private static CoordinatorOutcome form(
      FormCluster form, CoordinatorTables tables, WriteSet rows) {
    if (tables.isFormed()) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    put(
        rows,
        Cluster.newBuilder()
            .setUuid(form.getUuid())
            .setNextFileSystem(1)
            .setNextSession(1)
            .setRoutingEpoch(1)
            .build());
    for (GroupInfo group : form.getGroupsList()) {
      rows.put(Keys.group(group.getId()), group.toByteArray());
    }
    return done(0);
  }

  private static CoordinatorOutcome register(
      ServerInfo server, CoordinatorTables tables, WriteSet rows) {
    byte[] key = Keys.server(server.getId());
    byte[] value = server.toByteArray();
    if (!Arrays.equals(value, rows.get(key))) {
      rows.put(key, value);
      nextEpoch(tables, rows);
    }
    return done(server.getId());
  }

  private static CoordinatorOutcome create(
      FileSystem wanted, Timestamp time, CoordinatorTables tables, WriteSet rows) {
    if (tables.fileSystem(wanted.getName()) != null) {
      return outcome(CoordinatorOutcome.Kind.NAME_TAKEN);
    }
    if (!wanted.getCacheCluster().isEmpty()
        && tables.cacheCluster(wanted.getCacheCluster()) == null) {
      return outcome(CoordinatorOutcome.Kind.NO_CACHE_CLUSTER);
    }
    if (wanted.hasVolumeStorage()) {
      String problem = VolumeRules.problem(wanted.getVolumeStorage(), tables.fileSystems());
      if (problem != null) {
        return VolumeChanges.badVolumes(problem);
      }
    }
    Cluster cluster = tables.cluster();
    int id = cluster.getNextFileSystem();
    rows.put(
        Keys.fileSystem(id),
        wanted.toBuilder()
            .setId(id)
            .setState(FileSystem.State.CREATING)
            .setCreated(time)
            .build()
            .toByteArray());
    put(rows, cluster.toBuilder().setNextFileSystem(id + 1).build());
    nextEpoch(tables, rows);
    return done(id);
  }

  private static CoordinatorOutcome move(
      int id,
      List<FileSystem.State> from,
      FileSystem.State to,
      CoordinatorTables tables,
      WriteSet rows) {
    FileSystem fileSystem = tables.fileSystem(id);
    if (fileSystem == null) {
      return outcome(CoordinatorOutcome.Kind.NOT_FOUND);
    }
    if (!from.contains(fileSystem.getState())) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    rows.put(Keys.fileSystem(id), fileSystem.toBuilder().setState(to).build().toByteArray());
    nextEpoch(tables, rows);
    return done(id);
  }

  private static CoordinatorOutcome forget(int id, CoordinatorTables tables, WriteSet rows) {
    if (!VolumeChanges.removeSome(id, rows)) {
      return outcome(CoordinatorOutcome.Kind.MORE);
    }
    rows.delete(Keys.fileSystem(id));
    nextEpoch(tables, rows);
    return done(0);
  }

  private static CoordinatorOutcome open(Session session, CoordinatorTables tables, WriteSet rows) {
    FileSystem fileSystem = tables.fileSystem(session.getFileSystem());
    if (fileSystem == null) {
      return outcome(CoordinatorOutcome.Kind.NOT_FOUND);
    }
    if (fileSystem.getState() != FileSystem.State.ACTIVE) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    Cluster cluster = tables.cluster();
    int id = cluster.getNextSession();
    rows.put(Keys.liveSession(id), session.toBuilder().setId(id).build().toByteArray());
    put(rows, cluster.toBuilder().setNextSession(id + 1).build());
    return done(id);
  }

  private static CoordinatorOutcome close(int id, WriteSet rows) {
    byte[] session = rows.get(Keys.liveSession(id));
    if (session == null) {
      return outcome(CoordinatorOutcome.Kind.NOT_FOUND);
    }
    rows.delete(Keys.liveSession(id));
    rows.put(Keys.endedSession(id), session);
    return done(id);
  }

  /** Makes every mount ask for its routing anew; returns the new epoch. */
  @CanIgnoreReturnValue
  static long nextEpoch(CoordinatorTables tables, WriteSet rows) {
    Cluster cluster = tables.cluster();
    long epoch = cluster.getRoutingEpoch() + 1;
    put(rows, cluster.toBuilder().setRoutingEpoch(epoch).build());
    return epoch;
  }

  private static void put(WriteSet rows, Cluster cluster) {
    rows.put(Keys.cluster(), cluster.toByteArray());
  }
}
