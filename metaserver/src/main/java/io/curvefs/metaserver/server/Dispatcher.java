package io.curvefs.metaserver.server;

import com.google.protobuf.MessageLite;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.coordinator.CoordinatorService;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.service.NamespaceService;
import io.curvefs.metaserver.transaction.Participant;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.HelloReply;
import io.curvefs.proto.KeepOpenRequest;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.ServerInfo;
import io.curvefs.proto.ServerStatsReply;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.NotLeaderException;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.rpc.RpcHandler;
import io.curvefs.rpc.RpcMethod;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way from a request to the service that answers it. Thread-safe. */
final class Dispatcher implements RpcHandler {
  private final Function<GroupId, @Nullable DataGroup> groups;
  private final NamespaceService namespace;
  private final CoordinatorService coordinator;
  private final Function<GroupId, Optional<ServerInfo>> leaders;
  private final Supplier<HelloReply> hello;
  private final ServerMetrics metrics;
  private final Executor readers;

  /**
   * @param leaders the leader of a group as far as this server knows
   * @param readers for what reads many rows or files
   */
  Dispatcher(
      Function<GroupId, @Nullable DataGroup> groups,
      NamespaceService namespace,
      CoordinatorService coordinator,
      Function<GroupId, Optional<ServerInfo>> leaders,
      Supplier<HelloReply> hello,
      ServerMetrics metrics,
      Executor readers) {
    this.groups = groups;
    this.namespace = namespace;
    this.coordinator = coordinator;
    this.leaders = leaders;
    this.hello = hello;
    this.metrics = metrics;
    this.readers = readers;
  }

  @Override
  public CompletableFuture<? extends MessageLite> handle(
      RpcMethod method, MessageLite request, Deadline deadline) {
    long begun = System.nanoTime();
    return answer(method, request, deadline)
        .whenComplete(
            (answer, failure) -> metrics.answered(method, request, System.nanoTime() - begun));
  }

  private CompletableFuture<? extends MessageLite> answer(
      RpcMethod method, MessageLite request, Deadline deadline) {
    return switch (method) {
      case READ -> {
        ReadRequest read = (ReadRequest) request;
        yield inGroup(read.getTarget().getGroup(), group -> namespace.read(group, read, deadline));
      }
      case MUTATE -> {
        MutateRequest mutate = (MutateRequest) request;
        yield inGroup(
            mutate.getTarget().getGroup(), group -> namespace.mutate(group, mutate, deadline));
      }
      case KEEP_OPEN -> {
        KeepOpenRequest keep = (KeepOpenRequest) request;
        yield inGroup(keep.getTarget().getGroup(), group -> namespace.keepOpen(group, keep));
      }
      case PARTICIPATE -> {
        ParticipateRequest participate = (ParticipateRequest) request;
        yield inGroup(participate.getGroup(), group -> Participant.handle(group, participate));
      }
      case COORDINATE -> hinted(new GroupId(0), coordinator.handle((CoordinateRequest) request));
      case HELLO -> CompletableFuture.completedFuture(hello.get());
      case STATS ->
          CompletableFuture.supplyAsync(
              () -> ServerStatsReply.newBuilder().putAllValues(metrics.values()).build(), readers);
    };
  }

  private <T extends MessageLite> CompletableFuture<T> inGroup(
      int number, Function<DataGroup, CompletableFuture<T>> work) {
    GroupId id = new GroupId(number);
    DataGroup group = groups.apply(id);
    if (group == null) {
      // Not started yet, or moved away: the asker tries the other members.
      return CompletableFuture.failedFuture(new NotLeaderException(null));
    }
    try {
      return hinted(id, work.apply(group));
    } catch (IllegalArgumentException e) {
      return CompletableFuture.failedFuture(
          new RefusedException(Refusal.BAD_REQUEST, String.valueOf(e.getMessage())));
    }
  }

  /** Adds the leader's name, where it is known, to a refusal for not being it. */
  private <T extends MessageLite> CompletableFuture<T> hinted(
      GroupId group, CompletableFuture<T> answer) {
    return answer.exceptionallyCompose(
        failure -> {
          Throwable cause = RefusalReply.unwrap(failure);
          return CompletableFuture.failedFuture(
              cause instanceof NotLeaderException
                  ? new NotLeaderException(leaders.apply(group).orElse(null))
                  : cause);
        });
  }
}
