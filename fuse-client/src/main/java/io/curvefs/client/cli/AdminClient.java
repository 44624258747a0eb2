package io.curvefs.client.cli;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** Asks the coordinator of a cluster, for one command. */
public final class AdminClient implements AutoCloseable {
  private final RpcClient rpc = new RpcClient(1);
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final LeaderClient leaders;

  public AdminClient(List<HostPort> servers) {
    leaders = new LeaderClient(rpc, group -> servers, timer);
  }

  /**
   * @throws IOException with what the coordinator refused with, or that none answers
   */
  public CoordinateReply ask(CoordinateRequest.Builder request, Duration bound) throws IOException {
    try {
      return leaders
          .call(
              new GroupId(0),
              RpcMethod.COORDINATE,
              request.build(),
              CoordinateReply.class,
              Deadline.in(bound))
          .join();
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
