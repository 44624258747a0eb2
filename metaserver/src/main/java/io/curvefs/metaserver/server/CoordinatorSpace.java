package io.curvefs.metaserver.server;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.supply.BlockGroupSource;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.ReleaseBlockGroups;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RpcMethod;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Asks the coordinator for block groups. Thread-safe. */
final class CoordinatorSpace implements BlockGroupSource {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(5);
  private static final GroupId COORDINATOR = new GroupId(0);

  private final LeaderClient leaders;

  CoordinatorSpace(LeaderClient leaders) {
    this.leaders = leaders;
  }

  @Override
  public CompletableFuture<List<BlockGroup>> assign(AssignBlockGroups assign) {
    return ask(CoordinateRequest.newBuilder().setAssignBlockGroups(assign))
        .thenApply(reply -> of(assign.getGroup(), reply));
  }

  @Override
  public CompletableFuture<@Nullable Void> release(ReleaseBlockGroups release) {
    return ask(CoordinateRequest.newBuilder().setReleaseBlockGroups(release))
        .thenApply(reply -> null);
  }

  @Override
  public CompletableFuture<List<BlockGroup>> list(ListBlockGroupsRequest list) {
    return ask(CoordinateRequest.newBuilder().setListBlockGroups(list))
        .thenApply(reply -> of(list.getGroup(), reply));
  }

  private static List<BlockGroup> of(int group, CoordinateReply reply) {
    return reply.getBlockGroupsList().stream()
        .filter(assigned -> assigned.getGroup() == group)
        .flatMap(assigned -> assigned.getBlockGroupsList().stream())
        .toList();
  }

  private CompletableFuture<CoordinateReply> ask(CoordinateRequest.Builder request) {
    return leaders.call(
        COORDINATOR,
        RpcMethod.COORDINATE,
        request.build(),
        CoordinateReply.class,
        Deadline.in(ANSWER_MAX));
  }
}
