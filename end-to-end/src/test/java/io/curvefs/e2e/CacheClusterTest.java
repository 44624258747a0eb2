package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Memcached;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** memcached clusters from registration to use: real servers, real mounts. */
@Timeout(300)
class CacheClusterTest {
  private static final String GETS = "curvefs.s3.requests{verb=GET}";
  private static final String HITS = "curvefs.cache.hits{tier=memcached}";
  private static final String MISSES = "curvefs.cache.misses{tier=memcached}";

  /** Longer than any mount needs to hear of a change, or a server to be tried again. */
  private static final Duration FOLLOW_MAX = Duration.ofSeconds(60);

  private static final long SEED = 20_26;
  private static final int FILES = 40;

  private final Cluster cluster = SharedCluster.get();
  private final Map<String, byte[]> contents = new LinkedHashMap<>();
  private final List<Memcached> servers = new ArrayList<>();
  private String fileSystem;

  @BeforeEach
  void createFileSystem() {
    fileSystem = SharedCluster.newFileSystem();
  }

  @AfterEach
  void forgetEverything() {
    cluster.cacheCluster("unbind", "--fs", fileSystem).ok();
    cluster.cacheCluster("remove", "shared");
    servers.forEach(Memcached::close);
  }

  private Memcached memcached() {
    Memcached server = Memcached.start("-m", "64");
    servers.add(server);
    return server;
  }

  private void register(Memcached... members) {
    cluster.cacheCluster("add", "shared", addresses(members)).ok();
    cluster.cacheCluster("bind", "shared", "--fs", fileSystem).ok();
  }

  private static String addresses(Memcached... members) {
    return String.join(",", List.of(members).stream().map(Memcached::address).toList());
  }

  /** Files of 4 to 200 KiB and one of several blocks. */
  private void write(Mount mount) throws IOException {
    Random random = new Random(SEED);
    for (int i = 0; i < FILES; i++) {
      write(mount, "small-" + i, (4 << 10) + random.nextInt(196 << 10), random);
    }
    write(mount, "large", (9 << 20) + 12_345, random);
  }

  private void write(Mount mount, String name, int bytes, Random random) throws IOException {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    Files.write(mount.path(name), content);
    contents.put(name, content);
  }

  /**
   * Reads every file in random order and compares it.
   *
   * @return the GETs it cost
   */
  private double epoch(Mount mount) throws IOException {
    double before = mount.counted(GETS);
    List<String> names = new ArrayList<>(contents.keySet());
    Collections.shuffle(names, new Random(SEED));
    for (String name : names) {
      assertThat(Files.readAllBytes(mount.path(name)))
          .as("%s, seed %d", name, SEED)
          .isEqualTo(contents.get(name));
    }
    return mount.counted(GETS) - before;
  }

  private double coldEpoch(Mount mount) throws IOException {
    mount.dropCaches();
    return epoch(mount);
  }

  /** Waits until all blocks are in memcached: what is loaded goes there in the background. */
  private void awaitFilled(Mount mount) {
    Await.until("an epoch without GETs", FOLLOW_MAX, () -> coldEpoch(mount) == 0);
  }

  @Test
  void a_running_mount_begins_to_use_what_is_bound_and_stops_when_it_is_unbound()
      throws IOException {
    Memcached server = memcached();
    Mount mount = cluster.mount(fileSystem);
    write(mount);
    assertThat(coldEpoch(mount)).isGreaterThan(FILES);
    assertThat(mount.counted(HITS) + mount.counted(MISSES)).isZero();

    register(server);
    awaitFilled(mount);
    assertThat(mount.counted(HITS)).isGreaterThanOrEqualTo(FILES);
    assertThat(server.counted("cmd_set")).isGreaterThanOrEqualTo(FILES);
    assertThat(cluster.cacheCluster("list").ok().out())
        .contains("used by " + fileSystem, server.address(), "of 64.0 MiB");

    cluster.cacheCluster("unbind", "--fs", fileSystem).ok();
    Await.until("epochs from S3 alone", FOLLOW_MAX, () -> coldEpoch(mount) > FILES);
    long asked = server.counted("cmd_get");
    double hits = mount.counted(HITS);
    assertThat(coldEpoch(mount)).isGreaterThan(FILES);
    assertThat(server.counted("cmd_get")).isEqualTo(asked);
    assertThat(mount.counted(HITS)).isEqualTo(hits);
    mount.unmount();
  }

  @Test
  void a_second_host_reads_everything_without_a_single_get() throws IOException {
    register(memcached(), memcached());
    Mount first = cluster.mount(fileSystem);
    write(first);
    awaitFilled(first);

    Mount second = cluster.mount(fileSystem);
    assertThat(epoch(second)).isZero();
    assertThat(second.counted(GETS)).isZero();
    assertThat(second.counted(HITS)).isGreaterThanOrEqualTo(FILES);
    for (Memcached server : servers) {
      assertThat(server.counted("get_hits")).as("share of %s", server.address()).isPositive();
    }

    Mount without = cluster.mount(fileSystem, "nomemcached");
    assertThat(epoch(without)).isGreaterThan(FILES);
    assertThat(without.counted(HITS) + without.counted(MISSES)).isZero();
    first.unmount();
    second.unmount();
    without.unmount();
  }

  @Test
  void servers_are_replaced_while_a_mount_reads() throws IOException {
    Memcached old = memcached();
    Memcached latest = memcached();
    register(old);
    Mount mount = cluster.mount(fileSystem);
    write(mount);
    awaitFilled(mount);
    assertThat(latest.counted("cmd_set")).isZero();

    cluster.cacheCluster("add", "shared", latest.address(), "--replace").ok();
    Await.until(
        "blocks on the new server",
        FOLLOW_MAX,
        () -> {
          coldEpoch(mount);
          return latest.counted("cmd_set") > 0;
        });
    awaitFilled(mount);
    long asked = old.counted("cmd_get");
    long hits = latest.counted("get_hits");
    assertThat(coldEpoch(mount)).isZero();
    assertThat(old.counted("cmd_get")).isEqualTo(asked);
    assertThat(latest.counted("get_hits")).isGreaterThanOrEqualTo(hits + FILES);
    mount.unmount();
  }

  @Test
  void a_server_that_hangs_or_dies_fails_no_read_and_is_used_again_when_it_is_back()
      throws IOException {
    Memcached server = memcached();
    register(server);
    Mount mount = cluster.mount(fileSystem);
    write(mount);
    awaitFilled(mount);

    server.suspend();
    assertThat(coldEpoch(mount)).isGreaterThan(FILES);
    assertThat(cluster.cacheCluster("list").ok().out()).contains("does not answer: no answer");
    server.resume();
    awaitFilled(mount);

    server.kill();
    assertThat(coldEpoch(mount)).isGreaterThan(FILES);
    server.restart();
    awaitFilled(mount);
    assertThat(server.counted("get_hits")).isGreaterThanOrEqualTo(FILES);
    mount.unmount();
  }

  @Test
  void what_was_registered_outlives_the_coordinators_leader() throws IOException {
    Memcached server = memcached();
    Cluster three = new Cluster(3);
    try {
      three.cacheCluster("add", "shared", server.address()).ok();
      three.createFileSystem("plain", "--cache-cluster", "shared");
      for (int victim = 1; victim <= 3; victim++) { // one of them leads the coordinator
        three.metaserver(victim).kill();
        assertThat(three.cacheCluster("list", "--json").ok().out())
            .contains("\"shared\"", "\"plain\"", server.address(), "\"memcached\"");
        three.startMetaserver(victim);
      }
      Mount mount = three.mount("plain");
      write(mount);
      awaitFilled(mount);
      mount.unmount();
    } finally {
      three.close();
    }
  }
}
