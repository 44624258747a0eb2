package io.curvefs.e2e.testing;

import io.curvefs.proto.ServerStatsReply;
import io.curvefs.proto.ServerStatsRequest;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import java.time.Duration;
import java.util.Map;

/** Counters of the metaservers. */
public final class ServerCounters {
  private ServerCounters() {}

  /** Raft entries of clients' changes, over all data groups. */
  public static double raftEntries(Cluster cluster) {
    double sum = 0;
    try (RpcClient rpc = new RpcClient(1)) {
      for (String address : cluster.addresses().split(",")) {
        ServerStatsReply reply =
            rpc.call(
                    HostPort.parse(address),
                    RpcMethod.STATS,
                    ServerStatsRequest.getDefaultInstance(),
                    ServerStatsReply.class,
                    Duration.ofSeconds(5))
                .join();
        sum +=
            reply.getValuesMap().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith("curvefs.raft.entries"))
                .filter(entry -> !entry.getKey().contains("group=0"))
                .mapToDouble(Map.Entry::getValue)
                .sum();
      }
    }
    return sum;
  }
}
