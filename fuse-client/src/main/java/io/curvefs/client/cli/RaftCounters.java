package io.curvefs.client.cli;

import io.curvefs.proto.ServerStatsReply;
import io.curvefs.proto.ServerStatsRequest;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Asks metaservers for what their raft groups count; who does not answer soon is passed over. */
final class RaftCounters implements AutoCloseable {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(1);
  private static final String RAFT = "curvefs.raft.";

  private final RpcClient rpc = new RpcClient(1);
  private final List<HostPort> servers;

  RaftCounters(List<HostPort> servers) {
    this.servers = servers;
  }

  /** The raft counters of each server that answers. */
  Map<HostPort, Map<String, Double>> read() {
    Map<HostPort, CompletableFuture<ServerStatsReply>> asked = new TreeMap<>(this::order);
    for (HostPort server : servers) {
      asked.put(
          server,
          rpc.call(
              server,
              RpcMethod.STATS,
              ServerStatsRequest.getDefaultInstance(),
              ServerStatsReply.class,
              ANSWER_MAX));
    }
    Map<HostPort, Map<String, Double>> answers = new TreeMap<>(this::order);
    asked.forEach(
        (server, answer) -> {
          try {
            answers.put(server, raftOnly(answer.join().getValuesMap()));
          } catch (CompletionException e) {
            return; // it is down, or slow: the others are shown
          }
        });
    return answers;
  }

  private int order(HostPort a, HostPort b) {
    return Integer.compare(servers.indexOf(a), servers.indexOf(b));
  }

  private static Map<String, Double> raftOnly(Map<String, Double> values) {
    Map<String, Double> raft = new TreeMap<>(values);
    raft.keySet().removeIf(name -> !name.startsWith(RAFT));
    return raft;
  }

  @Override
  public void close() {
    rpc.close();
  }
}
