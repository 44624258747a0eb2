package io.curvefs.client.meta;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.proto.CacheCluster;
import io.curvefs.rpc.HostPort;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which memcached servers the mounts of the file system share, as last heard, and who is to be told
 * of changes. Thread-safe.
 */
final class CacheServers {
  private static final Logger log = LoggerFactory.getLogger(CacheServers.class);

  @GuardedBy("this")
  private List<HostPort> latest = List.of();

  @GuardedBy("this")
  private Consumer<List<HostPort>> listener = servers -> {};

  /** The listener hears of what is known now, then of each change, in order. */
  synchronized void listen(Consumer<List<HostPort>> newListener) {
    listener = newListener;
    newListener.accept(latest);
  }

  /**
   * @param cluster without servers: the file system uses none
   */
  synchronized void update(CacheCluster cluster) {
    List<HostPort> servers =
        cluster.getServersList().stream()
            .map(server -> new HostPort(server.getHost(), server.getPort()))
            .toList();
    if (servers.equals(latest)) {
      return;
    }
    if (servers.isEmpty()) {
      log.info("the file system uses no memcached cluster any more");
    } else {
      log.info(
          "memcached cluster '{}', version {}: {}",
          cluster.getName(),
          cluster.getVersion(),
          servers);
    }
    latest = servers;
    listener.accept(servers);
  }
}
