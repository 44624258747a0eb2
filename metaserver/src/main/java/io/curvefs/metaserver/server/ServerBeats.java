package io.curvefs.metaserver.server;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.service.LiveSessions;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.ServerBeatRequest;
import io.curvefs.proto.ServerInfo;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.rpc.RpcMethod;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the coordinator of this server, and this server of the cluster, every second. */
final class ServerBeats implements LiveSessions {
  private static final Logger log = LoggerFactory.getLogger(ServerBeats.class);
  private static final int BEAT_MILLIS = 1000;
  private static final Duration ANSWER_MAX = Duration.ofSeconds(5);
  private static final GroupId COORDINATOR = new GroupId(0);

  private final ServerInfo self;
  private final DataDirectory directory;
  private final LeaderClient leaders;
  private final ClusterMap map;
  private final HostedGroups groups;
  private final Consumer<String> fatal;

  /**
   * @param fatal ends the process: this server does not belong here
   */
  ServerBeats(
      ServerInfo self,
      DataDirectory directory,
      LeaderClient leaders,
      ClusterMap map,
      HostedGroups groups,
      Consumer<String> fatal) {
    this.self = self;
    this.directory = directory;
    this.leaders = leaders;
    this.map = map;
    this.groups = groups;
    this.fatal = fatal;
  }

  void start(ScheduledExecutorService thread) {
    thread.scheduleWithFixedDelay(this::beat, 0, BEAT_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void beat() {
    try {
      beatOnce().join();
    } catch (RuntimeException e) {
      Throwable cause = RefusalReply.unwrap(e);
      if (cause instanceof RefusedException refused && refused.refusal() == Refusal.OTHER_CLUSTER) {
        fatal.accept(
            "this metaserver may not join: "
                + refused.getMessage()
                + "; give --data-dir an empty directory, or --peers those of its own cluster");
      } else {
        log.debug("the coordinator does not answer: {}", String.valueOf(cause));
      }
    }
  }

  private CompletableFuture<CoordinateReply> beatOnce() {
    ServerBeatRequest beat =
        ServerBeatRequest.newBuilder()
            .setServer(self)
            .setClusterUuid(directory.clusterUuid())
            .addAllGroups(groups.loads())
            .build();
    return leaders
        .call(
            COORDINATOR,
            RpcMethod.COORDINATE,
            CoordinateRequest.newBuilder().setServerBeat(beat).build(),
            CoordinateReply.class,
            Deadline.in(ANSWER_MAX))
        .thenApply(
            reply -> {
              take(reply);
              return reply;
            });
  }

  private synchronized void take(CoordinateReply reply) {
    map.update(reply);
    try {
      if (directory.clusterUuid().isEmpty()) {
        directory.joined(reply.getRouting().getClusterUuid());
      }
      List<Integer> known = map.servers().stream().map(ServerInfo::getId).toList();
      for (GroupInfo group : map.groups()) {
        // Until every member has registered its address, the group cannot be told its members.
        if (group.getServersList().contains(self.getId())
            && known.containsAll(group.getServersList())) {
          GroupId id = new GroupId(group.getId());
          groups.ensure(id, map.members(id).stream().map(MetaServerConfig::raftAddress).toList());
        }
      }
    } catch (IOException e) {
      fatal.accept(String.valueOf(e.getMessage()));
    }
  }

  /**
   * What we know may be a second old: a session that we do not know may be new. Then the answer to
   * a question asked now decides; what we know may by then stem from an older one that was slower.
   */
  @Override
  public CompletableFuture<Boolean> isLive(SessionId session) {
    return map.isLive(session)
        ? CompletableFuture.completedFuture(true)
        : beatOnce().thenApply(reply -> reply.getLiveSessionsList().contains(session.value()));
  }
}
