package io.curvefs.client.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.testing.LocalCluster;
import io.curvefs.proto.BindCacheClusterRequest;
import io.curvefs.proto.CacheServer;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.PutCacheClusterRequest;
import io.curvefs.rpc.HostPort;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How a mount finds its memcached servers, from real metaservers. */
@Timeout(120)
class CacheServersTest {
  private static final HostPort ONE = new HostPort("10.0.0.1", 11211);
  private static final HostPort TWO = new HostPort("10.0.0.2", 11211);

  @TempDir private Path directory;

  private final BlockingQueue<List<HostPort>> heard = new LinkedBlockingQueue<>();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private LocalCluster cluster;
  private MetaClient client;

  @BeforeEach
  void connect() throws IOException {
    cluster = LocalCluster.start(directory, 1, 1);
    cluster.createFileSystem("train");
    client = cluster.connect("train", MetaOptions.DEFAULTS, registry);
    client.onCacheServers(heard::add);
  }

  @AfterEach
  void close() {
    client.close();
    cluster.close();
  }

  private List<HostPort> next() throws InterruptedException {
    return heard.poll(30, TimeUnit.SECONDS);
  }

  private void put(HostPort... servers) throws IOException {
    PutCacheClusterRequest.Builder put =
        PutCacheClusterRequest.newBuilder().setName("c").setReplace(true);
    for (HostPort server : servers) {
      put.addServers(CacheServer.newBuilder().setHost(server.host()).setPort(server.port()));
    }
    cluster.coordinate(CoordinateRequest.newBuilder().setPutCacheCluster(put));
  }

  private void bind(String name) throws IOException {
    cluster.coordinate(
        CoordinateRequest.newBuilder()
            .setBindCacheCluster(
                BindCacheClusterRequest.newBuilder().setFileSystem("train").setCluster(name)));
  }

  private double requests(String operation) {
    return registry.get("curvefs.meta.requests").tag("operation", operation).counter().count();
  }

  @Test
  void a_running_mount_follows_every_change_and_asks_only_after_one() throws Exception {
    assertThat(next()).as("at once").isEmpty();
    put(ONE);
    bind("c");
    assertThat(next()).containsExactly(ONE);
    put(TWO, ONE);
    assertThat(next()).containsExactly(ONE, TWO);
    bind("");
    assertThat(next()).isEmpty();

    double asked = requests("GET_ROUTING");
    double beats = requests("HEARTBEAT");
    while (requests("HEARTBEAT") < beats + 2) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
    assertThat(requests("GET_ROUTING")).isEqualTo(asked);
    assertThat(heard).isEmpty();
  }

  @Test
  void a_mount_that_begins_later_knows_them_from_its_beginning() throws Exception {
    put(ONE, TWO);
    bind("c");
    BlockingQueue<List<HostPort>> second = new LinkedBlockingQueue<>();
    try (MetaClient later = cluster.connect("train")) {
      later.onCacheServers(second::add);
      assertThat(second).containsExactly(List.of(ONE, TWO));
    }
  }
}
