package io.curvefs.metaserver.coordinator;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.BindCacheCluster;
import io.curvefs.proto.BindCacheClusterRequest;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.CacheClusterStatus;
import io.curvefs.proto.CacheServer;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.PutCacheCluster;
import io.curvefs.proto.PutCacheClusterRequest;
import io.curvefs.proto.RemoveCacheCluster;
import io.curvefs.proto.RemoveCacheClusterRequest;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * What is asked about memcached clusters. The coordinator keeps addresses and never talks to the
 * servers. Never blocks. Thread-safe.
 */
final class CacheClusters {
  /** Of one cluster. */
  static final int SERVERS_MAX = 128;

  static final int CLUSTERS_MAX = 1000;

  /** A name or numeric address, as it stands before a port. */
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._:%-]{1,253}");

  private static final Comparator<CacheServer> ORDER =
      Comparator.comparing(CacheServer::getHost).thenComparing(CacheServer::getPort);

  private final Coordinator coordinator;

  CacheClusters(Coordinator coordinator) {
    this.coordinator = coordinator;
  }

  CompletableFuture<CoordinateReply> list() {
    return coordinator
        .read()
        .thenApply(
            tables -> {
              CoordinateReply.Builder reply = CoordinateReply.newBuilder();
              for (CacheCluster cluster : tables.cacheClusters()) {
                reply.addCacheClusters(
                    CacheClusterStatus.newBuilder()
                        .setCluster(cluster)
                        .addAllFileSystems(tables.usersOf(cluster.getName())));
              }
              return reply.build();
            });
  }

  CompletableFuture<CoordinateReply> put(Coordinator.Reign reign, PutCacheClusterRequest request) {
    CacheCluster wanted;
    try {
      wanted = checked(request);
    } catch (RefusedException e) {
      return CompletableFuture.failedFuture(e);
    }
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              if (tables.cacheCluster(wanted.getName()) == null
                  && tables.cacheClusters().size() >= CLUSTERS_MAX) {
                return CompletableFuture.failedFuture(
                    new RefusedException(
                        Refusal.BAD_REQUEST,
                        "there are "
                            + CLUSTERS_MAX
                            + " memcached clusters, the most there may be: remove one first with"
                            + " 'curvefs cachecluster remove'"));
              }
              return propose(
                  reign,
                  CoordinatorChange.newBuilder()
                      .setPutCacheCluster(
                          PutCacheCluster.newBuilder()
                              .setCluster(wanted)
                              .setReplace(request.getReplace())),
                  outcome ->
                      new RefusedException(
                          Refusal.NAME_TAKEN,
                          "there is a memcached cluster '"
                              + wanted.getName()
                              + "' with other servers: --replace gives it these"));
            });
  }

  private static CacheCluster checked(PutCacheClusterRequest request) throws RefusedException {
    if (!FileSystemJobs.NAME.matcher(request.getName()).matches()) {
      throw bad(
          "'"
              + request.getName()
              + "' cannot be a memcached cluster's name: use 1 to 63 lower-case letters, digits"
              + " and inner hyphens");
    }
    List<CacheServer> servers = request.getServersList();
    if (servers.isEmpty() || servers.size() > SERVERS_MAX) {
      throw bad("a memcached cluster has 1 to " + SERVERS_MAX + " servers, not " + servers.size());
    }
    if (servers.stream().distinct().count() < servers.size()) {
      throw bad("a server is named twice: name each once");
    }
    for (CacheServer server : servers) {
      if (!HOST.matcher(server.getHost()).matches()
          || server.getPort() < 1
          || server.getPort() > 65535) {
        throw bad(
            "'"
                + server.getHost()
                + ":"
                + server.getPort()
                + "' cannot be a server's address: give HOST:PORT with a port of 1 to 65535");
      }
    }
    return CacheCluster.newBuilder()
        .setName(request.getName())
        .addAllServers(servers.stream().sorted(ORDER).toList())
        .build();
  }

  private static RefusedException bad(String detail) {
    return new RefusedException(Refusal.BAD_REQUEST, detail);
  }

  CompletableFuture<CoordinateReply> remove(
      Coordinator.Reign reign, RemoveCacheClusterRequest request) {
    String name = request.getName();
    return propose(
        reign,
        CoordinatorChange.newBuilder()
            .setRemoveCacheCluster(
                RemoveCacheCluster.newBuilder().setName(name).setVersion(request.getVersion())),
        outcome ->
            outcome.getKind() == CoordinatorOutcome.Kind.IN_USE
                ? new RefusedException(
                    Refusal.IN_USE,
                    "memcached cluster '"
                        + name
                        + "' is used by file systems ("
                        + outcome.getDetail()
                        + "): unbind them first with 'curvefs cachecluster unbind --fs NAME'")
                : new RefusedException(
                    Refusal.WRONG_STATE,
                    "memcached cluster '"
                        + name
                        + "' was changed meanwhile: look at it again with 'curvefs cachecluster"
                        + " list'"));
  }

  CompletableFuture<CoordinateReply> bind(
      Coordinator.Reign reign, BindCacheClusterRequest request) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              FileSystem fileSystem = tables.fileSystem(request.getFileSystem());
              if (fileSystem == null) {
                return CompletableFuture.failedFuture(
                    CoordinatorService.noSuchFileSystem(request.getFileSystem(), tables));
              }
              return propose(
                  reign,
                  CoordinatorChange.newBuilder()
                      .setBindCacheCluster(
                          BindCacheCluster.newBuilder()
                              .setFileSystem(fileSystem.getId())
                              .setCluster(request.getCluster())),
                  outcome ->
                      switch (outcome.getKind()) {
                        case NO_CACHE_CLUSTER -> noSuch(request.getCluster(), coordinator.tables());
                        case NOT_FOUND ->
                            CoordinatorService.noSuchFileSystem(
                                request.getFileSystem(), coordinator.tables());
                        default ->
                            new RefusedException(
                                Refusal.WRONG_STATE,
                                "file system '"
                                    + request.getFileSystem()
                                    + "' is being deleted: no cluster can be bound to it");
                      });
            });
  }

  static RefusedException noSuch(String name, CoordinatorTables tables) {
    List<String> names = tables.cacheClusters().stream().map(CacheCluster::getName).toList();
    String known =
        names.isEmpty()
            ? "there is none yet, register one with 'curvefs cachecluster add'"
            : "there are: " + String.join(", ", names);
    return new RefusedException(
        Refusal.NO_SUCH_CACHE_CLUSTER, "no memcached cluster '" + name + "': " + known);
  }

  private CompletableFuture<CoordinateReply> propose(
      Coordinator.Reign reign,
      CoordinatorChange.Builder change,
      Function<CoordinatorOutcome, RefusedException> refusal) {
    return coordinator
        .propose(reign, change)
        .thenCompose(
            outcome ->
                outcome.getKind() == CoordinatorOutcome.Kind.DONE
                    ? CompletableFuture.completedFuture(CoordinateReply.getDefaultInstance())
                    : CompletableFuture.failedFuture(refusal.apply(outcome)));
  }
}
