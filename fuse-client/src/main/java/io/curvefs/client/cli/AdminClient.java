package io.curvefs.client.cli;

import com.google.protobuf.MessageLite;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.GetRouting;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.Routing;
import io.curvefs.proto.ServerInfo;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** Asks the coordinator of a cluster and the leaders of its groups, for one command. */
public final class AdminClient implements AutoCloseable {
  private static final GroupId COORDINATOR = new GroupId(0);

  private final RpcClient rpc = new RpcClient(1);
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final List<HostPort> servers;
  private final LeaderClient leaders;
  private volatile Routing routing = Routing.getDefaultInstance();

  public AdminClient(List<HostPort> servers) {
    this.servers = servers;
    this.leaders = new LeaderClient(rpc, this::members, timer);
  }

  private List<HostPort> members(GroupId group) {
    if (group.equals(COORDINATOR)) {
      return servers;
    }
    Routing known = routing;
    List<Integer> ids =
        known.getGroupsList().stream()
            .filter(info -> info.getId() == group.value())
            .flatMap(info -> info.getServersList().stream())
            .toList();
    return known.getServersList().stream()
        .filter((ServerInfo server) -> ids.contains(server.getId()))
        .map(LeaderClient::address)
        .toList();
  }

  /**
   * @throws IOException with what the coordinator refused with, or that none answers
   */
  public CoordinateReply ask(CoordinateRequest.Builder request, Duration bound) throws IOException {
    return await(
        call(COORDINATOR, RpcMethod.COORDINATE, request.build(), CoordinateReply.class, bound));
  }

  /**
   * A file system, and where its groups are, which {@link #read} needs to know.
   *
   * @throws IOException as {@link #ask}
   */
  Routing route(String fileSystem, Duration bound) throws IOException {
    Routing latest =
        ask(
                CoordinateRequest.newBuilder()
                    .setGetRouting(GetRouting.newBuilder().setFileSystem(fileSystem)),
                bound)
            .getRouting();
    routing = latest;
    return latest;
  }

  /** Asks the leader of a data group; does not wait. */
  CompletableFuture<ReadReply> read(GroupId group, ReadRequest request, Duration bound) {
    return call(group, RpcMethod.READ, request, ReadReply.class, bound);
  }

  private <T extends MessageLite> CompletableFuture<T> call(
      GroupId group, RpcMethod method, MessageLite request, Class<T> reply, Duration bound) {
    return leaders.call(group, method, request, reply, Deadline.in(bound));
  }

  /**
   * @throws RefusedException what the answer was refused with
   */
  static <T> T await(CompletableFuture<T> answer) throws IOException {
    try {
      return answer.join();
    } catch (CompletionException e) {
      if (RefusalReply.unwrap(e) instanceof RefusedException refused) {
        throw refused;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    rpc.close();
  }
}
