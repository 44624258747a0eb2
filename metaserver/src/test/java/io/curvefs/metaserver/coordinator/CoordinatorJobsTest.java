package io.curvefs.metaserver.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.metaserver.raft.RaftHost;
import io.curvefs.metaserver.raft.RaftSettings;
import io.curvefs.metaserver.store.StoreResources;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.AssignedBlockGroups;
import io.curvefs.proto.BindCacheClusterRequest;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.CacheClusterStatus;
import io.curvefs.proto.CacheServer;
import io.curvefs.proto.CloseSessionRequest;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.CreateFsRequest;
import io.curvefs.proto.DeleteFsRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.GetRouting;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.HeartbeatRequest;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.ListCacheClustersRequest;
import io.curvefs.proto.ListFsRequest;
import io.curvefs.proto.ObjectStoreConfig;
import io.curvefs.proto.OpenSessionRequest;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.PutCacheClusterRequest;
import io.curvefs.proto.PutVolumesRequest;
import io.curvefs.proto.ReleaseBlockGroups;
import io.curvefs.proto.RemoveCacheClusterRequest;
import io.curvefs.proto.Routing;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.testing.FreePorts;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The coordinator on a real log, with groups and buckets that can be broken. */
@Timeout(40)
class CoordinatorJobsTest {
  private static final RaftSettings SETTINGS = new RaftSettings(200, 3600, 0);

  @TempDir Path directory;

  private final StoreResources resources = new StoreResources(16 << 20, 16 << 20);
  private RaftHost host;
  private RaftGroup<CoordinatorOutcome> raft;
  private Coordinator coordinator;
  private FileSystemJobs fileSystems;
  private SessionJobs sessions;
  private CoordinatorService service;

  /** Groups without a quorum. */
  private final Set<Integer> brokenGroups = ConcurrentHashMap.newKeySet();

  /** Sessions of whose end group 2 has heard. */
  private final Set<Integer> heard = ConcurrentHashMap.newKeySet();

  /** Names of file systems whose buckets refuse everything. */
  private final Set<String> brokenBuckets = ConcurrentHashMap.newKeySet();

  /** Names of file systems that have an object. */
  private final Set<String> objects = ConcurrentHashMap.newKeySet();

  /** Buckets answer once it is open. */
  private volatile CountDownLatch bucketsAnswer = new CountDownLatch(0);

  /** What happens when rows are dropped. */
  private volatile Runnable whenDropped = () -> {};

  private final BucketAccess buckets =
      new BucketAccess() {
        @Override
        public void claim(FileSystem fileSystem) {
          objects.add(fileSystem.getName());
        }

        @Override
        public boolean deleteSome(FileSystem fileSystem) throws IOException {
          try {
            bucketsAnswer.await();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          if (brokenBuckets.contains(fileSystem.getName())) {
            throw new IOException("no such bucket");
          }
          objects.remove(fileSystem.getName());
          return true;
        }
      };

  private CompletableFuture<ParticipateReply> ask(
      GroupId group, ParticipateRequest request, Deadline deadline) {
    if (brokenGroups.contains(group.value())) {
      return CompletableFuture.failedFuture(
          new RefusedException(Refusal.UNREACHABLE, "group " + group + " has no leader"));
    }
    if (request.hasExpireSession() && group.value() == 2) {
      heard.add(request.getExpireSession().getSession());
    }
    if (request.hasDropFileSystem()) {
      whenDropped.run();
    }
    return CompletableFuture.completedFuture(ParticipateReply.getDefaultInstance());
  }

  @BeforeEach
  void start() throws Exception {
    HostPort address = new HostPort("127.0.0.1", FreePorts.one());
    host = RaftHost.start(address, "test", resources, SETTINGS);
    raft =
        host.startGroup(
            new GroupId(0), directory, List.of(address), new CoordinatorReplica(), kind -> {});
    coordinator = new Coordinator(raft, WallClock.SYSTEM);
    List<GroupInfo> groups =
        List.of(GroupInfo.newBuilder().setId(1).build(), GroupInfo.newBuilder().setId(2).build());
    fileSystems =
        new FileSystemJobs(
            coordinator,
            this::ask,
            buckets,
            groups,
            WallClock.SYSTEM,
            Executors.newSingleThreadScheduledExecutor());
    sessions =
        new SessionJobs(
            coordinator, this::ask, WallClock.SYSTEM, Executors.newSingleThreadScheduledExecutor());
    service = new CoordinatorService(coordinator, fileSystems, sessions, new GroupLoads());
    fileSystems.start();
    sessions.start();
    until(() -> coordinator.reign() != null && coordinator.tables().isFormed());
  }

  @AfterEach
  void stop() {
    bucketsAnswer.countDown();
    sessions.close();
    fileSystems.close();
    raft.close();
    host.close();
    resources.close();
  }

  private static void until(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (Thread.interrupted()) {
        throw new AssertionError("it has not come to that in time");
      }
      Thread.onSpinWait();
    }
  }

  private CoordinateReply ask(CoordinateRequest.Builder request) throws Exception {
    return service.handle(request.build()).get(30, TimeUnit.SECONDS);
  }

  private void create(String name) throws Exception {
    ask(
        CoordinateRequest.newBuilder()
            .setCreateFs(CreateFsRequest.newBuilder().setName(name).setUuid(name)));
  }

  private void create(String name, String cacheCluster) throws Exception {
    ask(
        CoordinateRequest.newBuilder()
            .setCreateFs(
                CreateFsRequest.newBuilder()
                    .setName(name)
                    .setUuid(name)
                    .setCacheCluster(cacheCluster)));
  }

  private void delete(String name) throws Exception {
    ask(CoordinateRequest.newBuilder().setDeleteFs(DeleteFsRequest.newBuilder().setName(name)));
  }

  private int open(String fileSystem) throws Exception {
    return ask(CoordinateRequest.newBuilder()
            .setOpenSession(OpenSessionRequest.newBuilder().setFileSystem(fileSystem)))
        .getSession();
  }

  private void close(int session) throws Exception {
    ask(
        CoordinateRequest.newBuilder()
            .setCloseSession(CloseSessionRequest.newBuilder().setSession(session)));
  }

  @Test
  void a_group_without_quorum_holds_up_neither_other_groups_nor_other_work() throws Exception {
    create("a");
    create("b");
    int first = open("a");
    int second = open("a");
    brokenGroups.add(1);
    brokenBuckets.add("b");
    delete("b");
    close(first);
    close(second);

    until(() -> heard.containsAll(Set.of(first, second)));
    assertThat(coordinator.tables().endedSessions()).hasSize(2);

    brokenGroups.clear();
    until(() -> coordinator.tables().endedSessions().isEmpty());
  }

  @Test
  void a_broken_bucket_holds_up_no_other_file_system() throws Exception {
    create("a");
    create("b");
    brokenBuckets.add("a");
    delete("a");
    delete("b");

    until(() -> coordinator.tables().fileSystem("b") == null);
    assertThat(coordinator.tables().fileSystem("a")).isNotNull();

    brokenBuckets.clear();
    until(() -> coordinator.tables().fileSystem("a") == null);
  }

  @Test
  void objects_that_are_written_until_the_rows_are_dropped_are_deleted_too() throws Exception {
    create("a");
    whenDropped = () -> objects.add("a");
    delete("a");

    until(() -> coordinator.tables().fileSystem("a") == null);
    assertThat(objects).isEmpty();
  }

  @Test
  void a_bucket_that_hangs_does_not_hold_up_the_end_of_a_session() throws Exception {
    create("a");
    create("b");
    int session = open("b");
    bucketsAnswer = new CountDownLatch(1);
    delete("a");
    close(session);

    until(() -> heard.contains(session));
    assertThat(coordinator.tables().fileSystem("a")).isNotNull();
  }

  private void put(String name, boolean replace, String... hosts) throws Exception {
    PutCacheClusterRequest.Builder request =
        PutCacheClusterRequest.newBuilder().setName(name).setReplace(replace);
    for (String host : hosts) {
      request.addServers(CacheServer.newBuilder().setHost(host).setPort(11211));
    }
    ask(CoordinateRequest.newBuilder().setPutCacheCluster(request));
  }

  private void bind(String fileSystem, String cluster) throws Exception {
    ask(
        CoordinateRequest.newBuilder()
            .setBindCacheCluster(
                BindCacheClusterRequest.newBuilder()
                    .setFileSystem(fileSystem)
                    .setCluster(cluster)));
  }

  private List<CacheClusterStatus> cacheClusters() throws Exception {
    return ask(CoordinateRequest.newBuilder()
            .setListCacheClusters(ListCacheClustersRequest.getDefaultInstance()))
        .getCacheClustersList();
  }

  private void remove(CacheCluster cluster) throws Exception {
    ask(
        CoordinateRequest.newBuilder()
            .setRemoveCacheCluster(
                RemoveCacheClusterRequest.newBuilder()
                    .setName(cluster.getName())
                    .setVersion(cluster.getVersion())));
  }

  private Routing routing(String fileSystem) throws Exception {
    return ask(CoordinateRequest.newBuilder()
            .setGetRouting(GetRouting.newBuilder().setFileSystem(fileSystem)))
        .getRouting();
  }

  private long epochOfBeat(int session) throws Exception {
    return ask(CoordinateRequest.newBuilder()
            .setHeartbeat(HeartbeatRequest.newBuilder().setSession(session)))
        .getRoutingEpoch();
  }

  @Test
  void a_beat_tells_a_mount_that_its_memcached_servers_changed() throws Exception {
    create("a");
    int session = open("a");
    put("c", false, "two", "one");
    assertThat(routing("a").hasCacheCluster()).isFalse();
    long before = epochOfBeat(session);
    bind("a", "c");

    assertThat(epochOfBeat(session)).isGreaterThan(before).isEqualTo(routing("a").getEpoch());
    assertThat(routing("a").getCacheCluster().getServersList())
        .extracting(CacheServer::getHost)
        .containsExactly("one", "two");

    long bound = epochOfBeat(session);
    put("c", true, "three");
    assertThat(epochOfBeat(session)).isGreaterThan(bound);
    assertThat(routing("a").getCacheCluster().getServersList())
        .extracting(CacheServer::getHost)
        .containsExactly("three");

    long replaced = epochOfBeat(session);
    bind("a", "");
    assertThat(epochOfBeat(session)).isGreaterThan(replaced);
    assertThat(routing("a").hasCacheCluster()).isFalse();
    assertThat(epochOfBeat(session)).as("nothing changed since").isEqualTo(routing("a").getEpoch());
  }

  @Test
  void a_memcached_cluster_lives_as_long_as_file_systems_use_it() throws Exception {
    put("c", false, "one");
    create("a", "c");
    create("b");
    bind("b", "c");
    CacheClusterStatus listed = cacheClusters().get(0);
    assertThat(listed.getFileSystemsList()).containsExactly("a", "b");

    assertThatThrownBy(() -> remove(listed.getCluster()))
        .hasMessageContainingAll("'c'", "a, b", "curvefs cachecluster unbind");
    bind("b", "");
    delete("a");
    remove(listed.getCluster());
    assertThat(cacheClusters()).isEmpty();
  }

  @Test
  void bad_memcached_clusters_are_refused_with_a_remedy() throws Exception {
    create("a");
    assertThatThrownBy(() -> bind("a", "c")).hasMessageContainingAll("'c'", "cachecluster add");
    assertThatThrownBy(() -> create("b", "c")).hasMessageContainingAll("'c'", "cachecluster add");
    put("c", false, "one");
    assertThatThrownBy(() -> bind("a", "d")).hasMessageContainingAll("'d'", "there are: c");
    assertThatThrownBy(() -> bind("b", "c")).hasMessageContainingAll("'b'", "there are: a");
    assertThatThrownBy(() -> put("c", false, "two")).hasMessageContaining("--replace");
    assertThatThrownBy(() -> put("C", false, "one")).hasMessageContainingAll("'C'", "lower-case");
    assertThatThrownBy(() -> put("d", false)).hasMessageContaining("1 to 128 servers, not 0");
    assertThatThrownBy(() -> put("d", false, "one", "one")).hasMessageContaining("twice");
    assertThatThrownBy(() -> put("d", false, "o ne")).hasMessageContaining("o ne:11211");
    String[] many = IntStream.rangeClosed(1, 129).mapToObj(i -> "h" + i).toArray(String[]::new);
    assertThatThrownBy(() -> put("d", false, many)).hasMessageContaining("not 129");
    assertThat(cacheClusters()).hasSize(1);
  }

  private static Volume volume(int number, long blocks) {
    return Volume.newBuilder()
        .setNumber(number)
        .setUri("iscsi://user%secret@host/target/" + number)
        .setUuid("u" + number)
        .setBlocks(blocks)
        .setPoolSet("default")
        .build();
  }

  private static CreateFsRequest.Builder onVolumes(String name, Volume... volumes) {
    return CreateFsRequest.newBuilder()
        .setName(name)
        .setUuid(name)
        .setVolumeStorage(
            VolumeStorage.newBuilder()
                .setPoolSet("default")
                .setQuarantineSeconds(60)
                .addAllVolumes(List.of(volumes)));
  }

  private void create(CreateFsRequest.Builder request) throws Exception {
    ask(CoordinateRequest.newBuilder().setCreateFs(request));
  }

  private void putVolumes(String fileSystem, Volume... volumes) throws Exception {
    ask(
        CoordinateRequest.newBuilder()
            .setPutVolumes(
                PutVolumesRequest.newBuilder()
                    .setFileSystem(fileSystem)
                    .addAllVolumes(List.of(volumes))));
  }

  private CoordinateReply assign(int fileSystem, int group, int count) throws Exception {
    return ask(
        CoordinateRequest.newBuilder()
            .setAssignBlockGroups(
                AssignBlockGroups.newBuilder()
                    .setFileSystem(fileSystem)
                    .setGroup(group)
                    .setPoolSet("default")
                    .setCount(count)));
  }

  private CoordinateReply blockGroups(int fileSystem, int group, long after) throws Exception {
    return ask(
        CoordinateRequest.newBuilder()
            .setListBlockGroups(
                ListBlockGroupsRequest.newBuilder()
                    .setFileSystem(fileSystem)
                    .setGroup(group)
                    .setAfter(after)));
  }

  @Test
  void a_file_system_on_volumes_never_touches_a_bucket() throws Exception {
    brokenBuckets.add("v");
    create(onVolumes("v", volume(1, 1 << 15)));
    create(onVolumes("v", volume(1, 1 << 15)));
    assertThat(objects).isEmpty();
    assertThat(routing("v").getFileSystem().hasObjectStore()).isFalse();
    delete("v");

    until(() -> coordinator.tables().fileSystem("v") == null);
    create(onVolumes("v", volume(1, 1 << 15)));
  }

  @Test
  void mounts_hear_of_volumes_with_their_passwords_and_listings_without() throws Exception {
    create(onVolumes("v", volume(1, 1 << 15)));
    int session = open("v");
    long before = epochOfBeat(session);
    putVolumes("v", volume(2, 1 << 15));

    assertThat(epochOfBeat(session)).isGreaterThan(before).isEqualTo(routing("v").getEpoch());
    assertThat(routing("v").getFileSystem().getVolumeStorage().getVolumesList())
        .containsExactly(volume(1, 1 << 15), volume(2, 1 << 15));
    assertThat(
            ask(CoordinateRequest.newBuilder().setListFs(ListFsRequest.getDefaultInstance()))
                .getFileSystems(0)
                .getFileSystem()
                .getVolumeStorage()
                .getVolumesList())
        .extracting(Volume::getUri)
        .containsExactly("iscsi://user@host/target/1", "iscsi://user@host/target/2");
  }

  @Test
  void block_groups_are_given_listed_and_released() throws Exception {
    create(onVolumes("v", volume(1, 4 << 15)));
    int id = routing("v").getFileSystem().getId();
    assertThat(assign(id, 1, 2).getBlockGroups(0).getBlockGroupsCount()).isEqualTo(2);
    AssignedBlockGroups second = assign(id, 2, 9).getBlockGroups(0);
    assertThat(second.getGroup()).isEqualTo(2);
    assertThat(second.getBlockGroupsCount()).isEqualTo(2);
    assertThat(assign(id, 1, 1).getBlockGroups(0).getBlockGroupsCount()).isZero();

    assertThat(blockGroups(id, 2, 0).getBlockGroupsList()).containsExactly(second);
    assertThat(blockGroups(id, 0, 0).getBlockGroupsList())
        .extracting(AssignedBlockGroups::getGroup)
        .containsExactly(1, 2);
    long first = second.getBlockGroups(0).getAddress();
    assertThat(blockGroups(id, 0, first).getBlockGroupsList())
        .flatExtracting(AssignedBlockGroups::getBlockGroupsList)
        .containsExactly(second.getBlockGroups(1));
    ask(
        CoordinateRequest.newBuilder()
            .setReleaseBlockGroups(
                ReleaseBlockGroups.newBuilder()
                    .setFileSystem(id)
                    .setGroup(2)
                    .addAddresses(first)
                    .setGivenMax(second.getBlockGroups(0).getGiven())));
    assertThat(assign(id, 1, 9).getBlockGroups(0).getBlockGroupsList())
        .extracting(BlockGroup::getAddress)
        .containsExactly(first);
  }

  @Test
  void bad_requests_about_volumes_are_refused_with_a_remedy() throws Exception {
    create("s3");
    int s3 = routing("s3").getFileSystem().getId();
    create(onVolumes("v", volume(1, 4)));
    int id = routing("v").getFileSystem().getId();
    assertThatThrownBy(() -> create(onVolumes("w"))).hasMessageContaining("--volume");
    assertThatThrownBy(() -> create(onVolumes("w", volume(1, 4)))).hasMessageContaining("'v'");
    assertThatThrownBy(() -> create(onVolumes("v", volume(1, 4)).setUuid("other")))
        .hasMessageContaining("choose another name");
    assertThatThrownBy(
            () ->
                create(
                    onVolumes("w", volume(1, 4))
                        .setObjectStore(ObjectStoreConfig.newBuilder().setBucket("b"))))
        .hasMessageContaining("not both");
    assertThatThrownBy(() -> putVolumes("s3", volume(1, 4)))
        .hasMessageContainingAll("'s3'", "curvefs fs create --volume");
    assertThatThrownBy(() -> putVolumes("w", volume(1, 4)))
        .hasMessageContaining("there are: s3, v");
    assertThatThrownBy(() -> putVolumes("v", volume(1, 3)))
        .hasMessageContaining("shrink")
        .extracting(refused -> ((RefusedException) refused.getCause()).refusal())
        .isEqualTo(Refusal.BAD_VOLUME);
    assertThatThrownBy(() -> assign(s3, 1, 1)).hasMessageContaining("'s3'");
    assertThatThrownBy(() -> assign(99, 1, 1)).hasMessageContaining("no file system 99");
    assertThatThrownBy(() -> assign(id, 9, 1)).hasMessageContaining("no raft group 9");
    assertThatThrownBy(() -> blockGroups(99, 0, 0)).hasMessageContaining("no file system 99");
  }
}
