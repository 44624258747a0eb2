package io.curvefs.metaserver.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.metaserver.testing.MemoryRows;
import io.curvefs.proto.ActivateFileSystem;
import io.curvefs.proto.BeginDeleteFileSystem;
import io.curvefs.proto.BindCacheCluster;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.CacheServer;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.CoordinatorOutcome.Kind;
import io.curvefs.proto.CreateFileSystem;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FormCluster;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.PutCacheCluster;
import io.curvefs.proto.RemoveCacheCluster;
import io.curvefs.proto.Timestamp;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rows of memcached clusters, and of file systems that use them; no raft. */
class CacheClusterChangesTest {
  private static final CacheServer ONE = server(1);
  private static final CacheServer TWO = server(2);

  private final MemoryRows rows = new MemoryRows();
  private final List<LogEntry> log = new ArrayList<>();
  private final CoordinatorTables tables = new CoordinatorTables(rows);
  private int train;

  private static CacheServer server(int number) {
    return CacheServer.newBuilder().setHost("10.0.0." + number).setPort(11211).build();
  }

  @BeforeEach
  void form() {
    apply(
        CoordinatorChange.newBuilder().setFormCluster(FormCluster.newBuilder().setUuid("cluster")));
    train = create("train", "").getId();
    apply(
        CoordinatorChange.newBuilder()
            .setActivateFileSystem(ActivateFileSystem.newBuilder().setId(train)));
  }

  @AfterEach
  void the_same_log_gives_the_same_rows() {
    MemoryRows again = new MemoryRows();
    for (int i = 0; i < log.size(); i++) {
      apply(log.get(i), i + 1, again);
    }
    assertThat(again.dump()).isEqualTo(rows.dump());
  }

  private CoordinatorOutcome apply(CoordinatorChange.Builder change) {
    LogEntry entry =
        LogEntry.newBuilder()
            .setTime(Timestamp.newBuilder().setSeconds(log.size()))
            .setCoordinator(change)
            .build();
    log.add(entry);
    return apply(entry, log.size(), rows);
  }

  private static CoordinatorOutcome apply(LogEntry entry, long index, MemoryRows target) {
    WriteSet changes = new WriteSet(target);
    CoordinatorOutcome outcome = new CoordinatorReplica().apply(entry, index, changes);
    target.write(changes);
    return outcome;
  }

  private CoordinatorOutcome create(String name, String cacheCluster) {
    return apply(
        CoordinatorChange.newBuilder()
            .setCreateFileSystem(
                CreateFileSystem.newBuilder()
                    .setFileSystem(
                        FileSystem.newBuilder().setName(name).setCacheCluster(cacheCluster))));
  }

  private Kind put(String name, boolean replace, CacheServer... servers) {
    return apply(
            CoordinatorChange.newBuilder()
                .setPutCacheCluster(
                    PutCacheCluster.newBuilder()
                        .setReplace(replace)
                        .setCluster(
                            CacheCluster.newBuilder()
                                .setName(name)
                                .addAllServers(List.of(servers)))))
        .getKind();
  }

  private CoordinatorOutcome remove(String name, long version) {
    return apply(
        CoordinatorChange.newBuilder()
            .setRemoveCacheCluster(
                RemoveCacheCluster.newBuilder().setName(name).setVersion(version)));
  }

  private Kind bind(int fileSystem, String cluster) {
    return apply(
            CoordinatorChange.newBuilder()
                .setBindCacheCluster(
                    BindCacheCluster.newBuilder().setFileSystem(fileSystem).setCluster(cluster)))
        .getKind();
  }

  private long version(String name) {
    return tables.cacheCluster(name).getVersion();
  }

  private long epoch() {
    return tables.cluster().getRoutingEpoch();
  }

  @Test
  void every_change_makes_a_new_epoch_and_no_second_arrival_does() {
    long epoch = epoch();
    assertThat(put("c", false, ONE)).isEqualTo(Kind.DONE);
    assertThat(version("c")).isEqualTo(epoch + 1).isEqualTo(epoch());
    assertThat(put("c", true, ONE, TWO)).isEqualTo(Kind.DONE);
    assertThat(version("c")).isEqualTo(epoch + 2).isEqualTo(epoch());
    assertThat(bind(train, "c")).isEqualTo(Kind.DONE);
    assertThat(epoch()).isEqualTo(epoch + 3);

    String before = rows.dump();
    assertThat(put("c", false, ONE, TWO)).isEqualTo(Kind.DONE);
    assertThat(put("c", true, ONE, TWO)).isEqualTo(Kind.DONE);
    assertThat(bind(train, "c")).isEqualTo(Kind.DONE);
    assertThat(rows.dump()).isEqualTo(before);
  }

  @Test
  void a_name_with_other_servers_is_taken_unless_they_are_to_be_replaced() {
    put("c", false, ONE);
    String before = rows.dump();
    assertThat(put("c", false, TWO)).isEqualTo(Kind.NAME_TAKEN);
    assertThat(rows.dump()).isEqualTo(before);

    assertThat(put("c", true, TWO)).isEqualTo(Kind.DONE);
    assertThat(tables.cacheCluster("c").getServersList()).containsExactly(TWO);
  }

  @Test
  void a_cluster_in_use_stays() {
    put("c", false, ONE);
    create("eval", "c");
    bind(train, "c");
    String before = rows.dump();

    CoordinatorOutcome refused = remove("c", version("c"));

    assertThat(refused.getKind()).isEqualTo(Kind.IN_USE);
    assertThat(refused.getDetail()).isEqualTo("train, eval");
    assertThat(rows.dump()).isEqualTo(before);
  }

  @Test
  void a_cluster_is_removed_once_however_often_it_is_asked_for() {
    put("c", false, ONE);
    put("c-2", false, TWO);
    bind(train, "c");
    bind(train, "");
    long seen = version("c");
    assertThat(remove("c", seen).getKind()).isEqualTo(Kind.DONE);
    assertThat(remove("c", seen).getKind()).isEqualTo(Kind.DONE);
    assertThat(tables.cacheClusters()).extracting(CacheCluster::getName).containsExactly("c-2");

    put("c", false, ONE);
    assertThat(remove("c", seen).getKind()).as("a newer one").isEqualTo(Kind.WRONG_STATE);
    assertThat(tables.cacheCluster("c")).isNotNull();
  }

  @Test
  void only_a_cluster_that_is_there_can_be_bound_and_only_to_a_file_system_that_stays() {
    assertThat(bind(train, "c")).isEqualTo(Kind.NO_CACHE_CLUSTER);
    assertThat(create("eval", "c").getKind()).isEqualTo(Kind.NO_CACHE_CLUSTER);
    assertThat(tables.fileSystem("eval")).isNull();
    put("c", false, ONE);
    assertThat(bind(99, "c")).isEqualTo(Kind.NOT_FOUND);
    assertThat(bind(train, "c")).isEqualTo(Kind.DONE);
    apply(
        CoordinatorChange.newBuilder()
            .setBeginDeleteFileSystem(BeginDeleteFileSystem.newBuilder().setId(train)));

    assertThat(bind(train, "")).isEqualTo(Kind.WRONG_STATE);
    assertThat(remove("c", version("c")).getKind()).as("its user goes").isEqualTo(Kind.DONE);
  }
}
