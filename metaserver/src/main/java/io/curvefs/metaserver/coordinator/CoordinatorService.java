package io.curvefs.metaserver.coordinator;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.CloseSession;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FileSystemStatus;
import io.curvefs.proto.GetRouting;
import io.curvefs.proto.HeartbeatRequest;
import io.curvefs.proto.ListFsRequest;
import io.curvefs.proto.ObjectStoreConfig;
import io.curvefs.proto.OpenSession;
import io.curvefs.proto.OpenSessionRequest;
import io.curvefs.proto.RegisterServer;
import io.curvefs.proto.Routing;
import io.curvefs.proto.ServerBeatRequest;
import io.curvefs.proto.Session;
import io.curvefs.proto.Volume;
import io.curvefs.rpc.NotLeaderException;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What clients, admins and servers ask of the coordinator. Never blocks. Thread-safe. */
public final class CoordinatorService {
  private final Coordinator coordinator;
  private final FileSystemJobs jobs;
  private final SessionJobs sessions;
  private final GroupLoads loads;
  private final CacheClusters cacheClusters;
  private final FileSystemVolumes volumes;

  public CoordinatorService(
      Coordinator coordinator, FileSystemJobs jobs, SessionJobs sessions, GroupLoads loads) {
    this.coordinator = coordinator;
    this.jobs = jobs;
    this.sessions = sessions;
    this.loads = loads;
    this.cacheClusters = new CacheClusters(coordinator);
    this.volumes = new FileSystemVolumes(coordinator);
  }

  /** Answers, when this server leads the coordinator group. */
  public CompletableFuture<CoordinateReply> handle(CoordinateRequest request) {
    Coordinator.Reign reign;
    try {
      reign = coordinator.requireReign();
    } catch (NotLeaderException e) {
      return CompletableFuture.failedFuture(e);
    }
    return switch (request.getKindCase()) {
      case GET_ROUTING -> routing(request.getGetRouting());
      case LIST_FS -> list(request.getListFs());
      case CREATE_FS -> jobs.create(reign, request.getCreateFs());
      case DELETE_FS -> jobs.delete(reign, request.getDeleteFs().getName());
      case OPEN_SESSION -> open(reign, request.getOpenSession());
      case HEARTBEAT -> heartbeat(reign, request.getHeartbeat());
      case CLOSE_SESSION -> close(reign, request.getCloseSession().getSession());
      case SERVER_BEAT -> serverBeat(reign, request.getServerBeat());
      case PUT_CACHE_CLUSTER -> cacheClusters.put(reign, request.getPutCacheCluster());
      case LIST_CACHE_CLUSTERS -> cacheClusters.list();
      case REMOVE_CACHE_CLUSTER -> cacheClusters.remove(reign, request.getRemoveCacheCluster());
      case BIND_CACHE_CLUSTER -> cacheClusters.bind(reign, request.getBindCacheCluster());
      case ASSIGN_BLOCK_GROUPS -> volumes.assign(reign, request.getAssignBlockGroups());
      case RELEASE_BLOCK_GROUPS -> volumes.release(reign, request.getReleaseBlockGroups());
      case LIST_BLOCK_GROUPS -> volumes.list(request.getListBlockGroups());
      case PUT_VOLUMES -> volumes.put(reign, request.getPutVolumes());
      case KIND_NOT_SET ->
          CompletableFuture.failedFuture(
              new RefusedException(Refusal.BAD_REQUEST, "a request this server does not know"));
    };
  }

  private CompletableFuture<CoordinateReply> routing(GetRouting get) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              Routing.Builder routing = tables.routing();
              if (!get.getFileSystem().isEmpty()) {
                FileSystem fileSystem = tables.fileSystem(get.getFileSystem());
                if (fileSystem == null) {
                  return CompletableFuture.failedFuture(
                      noSuchFileSystem(get.getFileSystem(), tables));
                }
                routing.setFileSystem(fileSystem);
                CacheCluster shared = tables.cacheCluster(fileSystem.getCacheCluster());
                if (shared != null) {
                  routing.setCacheCluster(shared);
                }
              }
              return CompletableFuture.completedFuture(
                  CoordinateReply.newBuilder().setRouting(routing).build());
            });
  }

  static RefusedException noSuchFileSystem(String name, CoordinatorTables tables) {
    List<String> names = tables.fileSystems().stream().map(FileSystem::getName).toList();
    String known =
        names.isEmpty()
            ? "there is none yet, create one with 'curvefs fs create'"
            : "there are: " + String.join(", ", names);
    return new RefusedException(
        Refusal.NO_SUCH_FILE_SYSTEM, "no file system '" + name + "': " + known);
  }

  private CompletableFuture<CoordinateReply> list(ListFsRequest list) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              CoordinateReply.Builder reply = CoordinateReply.newBuilder();
              for (FileSystem fileSystem : tables.fileSystems()) {
                if (list.getName().isEmpty() || list.getName().equals(fileSystem.getName())) {
                  reply.addFileSystems(
                      FileSystemStatus.newBuilder()
                          .setFileSystem(withoutSecrets(fileSystem))
                          .addAllSessions(tables.sessionsOf(fileSystem.getId())));
                }
              }
              if (!list.getName().isEmpty() && reply.getFileSystemsCount() == 0) {
                return CompletableFuture.failedFuture(noSuchFileSystem(list.getName(), tables));
              }
              return CompletableFuture.completedFuture(reply.setRouting(tables.routing()).build());
            });
  }

  private static FileSystem withoutSecrets(FileSystem fileSystem) {
    ObjectStoreConfig.Builder store = fileSystem.getObjectStore().toBuilder();
    FileSystem.Builder without =
        fileSystem.toBuilder().setObjectStore(store.clearSecretKey().clearAccessKey());
    if (fileSystem.hasVolumeStorage()) {
      for (Volume.Builder volume : without.getVolumeStorageBuilder().getVolumesBuilderList()) {
        volume.setUri(VolumeRules.shown(volume.getUri()));
      }
    }
    return without.build();
  }

  private CompletableFuture<CoordinateReply> open(
      Coordinator.Reign reign, OpenSessionRequest open) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              FileSystem fileSystem = tables.fileSystem(open.getFileSystem());
              if (fileSystem == null) {
                return CompletableFuture.failedFuture(
                    noSuchFileSystem(open.getFileSystem(), tables));
              }
              Session session =
                  open.getSession().toBuilder().setFileSystem(fileSystem.getId()).build();
              return coordinator
                  .propose(
                      reign,
                      CoordinatorChange.newBuilder()
                          .setOpenSession(OpenSession.newBuilder().setSession(session)))
                  .thenCompose(
                      outcome ->
                          switch (outcome.getKind()) {
                            case DONE -> {
                              reign.leases().renew(new SessionId(outcome.getId()));
                              yield CompletableFuture.completedFuture(
                                  lease(tables).setSession(outcome.getId()).build());
                            }
                            case NOT_FOUND ->
                                CompletableFuture.failedFuture(
                                    noSuchFileSystem(open.getFileSystem(), coordinator.tables()));
                            default ->
                                CompletableFuture.failedFuture(
                                    new RefusedException(
                                        Refusal.WRONG_STATE,
                                        "file system '"
                                            + open.getFileSystem()
                                            + "' is being created or deleted: try again later"));
                          });
            });
  }

  private static CoordinateReply.Builder lease(CoordinatorTables tables) {
    return CoordinateReply.newBuilder()
        .setLeaseMillis(Coordinator.LEASE.toMillis())
        .setRoutingEpoch(tables.cluster().getRoutingEpoch());
  }

  private CompletableFuture<CoordinateReply> heartbeat(
      Coordinator.Reign reign, HeartbeatRequest beat) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              if (!tables.isLive(beat.getSession())) {
                return CompletableFuture.failedFuture(
                    new RefusedException(
                        Refusal.SESSION_EXPIRED, "session " + beat.getSession() + " has expired"));
              }
              reign.leases().renew(new SessionId(beat.getSession()));
              return CompletableFuture.completedFuture(lease(tables).build());
            });
  }

  private CompletableFuture<CoordinateReply> close(Coordinator.Reign reign, int session) {
    return coordinator
        .propose(
            reign,
            CoordinatorChange.newBuilder()
                .setCloseSession(CloseSession.newBuilder().setId(session)))
        .thenApply(
            outcome -> {
              reign.leases().end(new SessionId(session));
              sessions.wake();
              return CoordinateReply.getDefaultInstance();
            });
  }

  private CompletableFuture<CoordinateReply> serverBeat(
      Coordinator.Reign reign, ServerBeatRequest beat) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              String cluster = tables.cluster().getUuid();
              if (!beat.getClusterUuid().isEmpty() && !beat.getClusterUuid().equals(cluster)) {
                return CompletableFuture.failedFuture(
                    new RefusedException(
                        Refusal.OTHER_CLUSTER,
                        "its data directory belongs to cluster "
                            + beat.getClusterUuid()
                            + ", this is cluster "
                            + cluster));
              }
              loads.report(beat);
              if (tables.servers().contains(beat.getServer())) {
                return CompletableFuture.completedFuture(welcome(tables));
              }
              return coordinator
                  .propose(
                      reign,
                      CoordinatorChange.newBuilder()
                          .setRegisterServer(
                              RegisterServer.newBuilder().setServer(beat.getServer())))
                  .thenApply(outcome -> welcome(coordinator.tables()));
            });
  }

  private CoordinateReply welcome(CoordinatorTables tables) {
    return CoordinateReply.newBuilder()
        .setRouting(tables.routing())
        .addAllLiveSessions(tables.sessions().stream().map(Session::getId).toList())
        .addAllFileSystemTable(tables.fileSystems())
        .addAllLoads(loads.all())
        .build();
  }
}
