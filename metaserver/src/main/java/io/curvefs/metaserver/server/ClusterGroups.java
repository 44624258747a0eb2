package io.curvefs.metaserver.server;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.transaction.GroupPort;
import io.curvefs.metaserver.transaction.Participant;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.NotLeaderException;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.rpc.RpcMethod;
import java.util.concurrent.CompletableFuture;

/** Reaches the leader of any group: a call when it is here, a request otherwise. Thread-safe. */
final class ClusterGroups implements GroupPort {
  private final HostedGroups hosted;
  private final LeaderClient leaders;

  ClusterGroups(HostedGroups hosted, LeaderClient leaders) {
    this.hosted = hosted;
    this.leaders = leaders;
  }

  @Override
  public CompletableFuture<ParticipateReply> ask(
      GroupId group, ParticipateRequest request, Deadline deadline) {
    ParticipateRequest addressed = request.toBuilder().setGroup(group.value()).build();
    DataGroup here = hosted.find(group);
    if (here == null || here.leadership() == null) {
      return askLeader(group, addressed, deadline);
    }
    return Participant.handle(here, addressed)
        .exceptionallyCompose(
            failure ->
                RefusalReply.unwrap(failure) instanceof NotLeaderException
                    ? askLeader(group, addressed, deadline)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<ParticipateReply> askLeader(
      GroupId group, ParticipateRequest request, Deadline deadline) {
    return leaders.call(group, RpcMethod.PARTICIPATE, request, ParticipateReply.class, deadline);
  }
}
