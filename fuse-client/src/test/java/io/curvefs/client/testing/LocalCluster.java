package io.curvefs.client.testing;

import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.ServerId;
import io.curvefs.metaserver.raft.RaftSettings;
import io.curvefs.metaserver.server.MetaServer;
import io.curvefs.metaserver.server.MetaServerConfig;
import io.curvefs.objectstore.embedded.EmbeddedS3Options;
import io.curvefs.objectstore.embedded.EmbeddedS3Server;
import io.curvefs.proto.CheckSpace;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.CreateFsRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.GetRouting;
import io.curvefs.proto.ObjectStoreConfig;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.Session;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.proto.Target;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import io.curvefs.rpc.testing.FreePorts;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.volume.VolumeHeader;
import io.curvefs.space.volume.Volumes;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.IntFunction;

/** Metaservers and an S3 endpoint in this process, on loopback, with one file system. */
public final class LocalCluster implements AutoCloseable {
  public static final String BUCKET = "test-bucket";
  private static final Duration LONG = Duration.ofSeconds(60);

  private final Path directory;
  private final Map<ServerId, HostPort> peers;
  private final int groups;
  private final Map<ServerId, MetaServer> servers = new TreeMap<>((a, b) -> a.value() - b.value());
  private final Map<ServerId, MeterRegistry> metrics =
      new TreeMap<>((a, b) -> a.value() - b.value());
  private final EmbeddedS3Server s3;
  private final RpcClient rpc = new RpcClient(1);
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  private LocalCluster(Path directory, Map<ServerId, HostPort> peers, int groups)
      throws IOException {
    this.directory = directory;
    this.peers = peers;
    this.groups = groups;
    this.s3 = EmbeddedS3Server.start(EmbeddedS3Options.in(directory.resolve("s3"), BUCKET));
    for (ServerId id : peers.keySet()) {
      start(id);
    }
  }

  public static LocalCluster start(Path directory, int count, int groups) throws IOException {
    return new LocalCluster(directory, freePeers(count), groups);
  }

  private static Map<ServerId, HostPort> freePeers(int count) {
    Map<ServerId, HostPort> peers = new TreeMap<>((a, b) -> a.value() - b.value());
    for (int id = 1; id <= count; id++) {
      peers.put(new ServerId(id), new HostPort("127.0.0.1", FreePorts.pair()));
    }
    return peers;
  }

  public void start(ServerId id) throws IOException {
    MeterRegistry registry = new SimpleMeterRegistry();
    MetaServerConfig config =
        new MetaServerConfig(
            id,
            peers.get(id),
            directory.resolve("server-" + id),
            peers,
            groups,
            32 << 20,
            32 << 20,
            new RaftSettings(800, 3600, 0));
    servers.put(
        id,
        MetaServer.start(
            config,
            registry,
            message -> {
              throw new IllegalStateException(message);
            }));
    metrics.put(id, registry);
  }

  public void stop(ServerId id) {
    servers.remove(id).close();
  }

  public List<ServerId> running() {
    return List.copyOf(servers.keySet());
  }

  public MetaServer server(ServerId id) {
    return servers.get(id);
  }

  public List<HostPort> addresses() {
    return List.copyOf(peers.values());
  }

  public EmbeddedS3Server s3() {
    return s3;
  }

  /** Sum of a server counter over all servers. */
  public double counted(String name, String tag, String value) {
    return metrics.values().stream()
        .flatMap(registry -> registry.find(name).tag(tag, value).counters().stream())
        .mapToDouble(Counter::count)
        .sum();
  }

  public CoordinateReply coordinate(CoordinateRequest.Builder request) throws IOException {
    LeaderClient leaders = new LeaderClient(rpc, group -> addresses(), timer);
    try {
      return leaders
          .call(
              new GroupId(0),
              RpcMethod.COORDINATE,
              request.build(),
              CoordinateReply.class,
              Deadline.in(LONG))
          .join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RefusedException refused) {
        throw refused;
      }
      throw e;
    }
  }

  public ObjectStoreConfig bucket() {
    return ObjectStoreConfig.newBuilder()
        .setBucket(BUCKET)
        .setEndpoint(s3.endpoint())
        .setRegion("us-east-1")
        .setAccessKey("any")
        .setSecretKey("any")
        .build();
  }

  public void createFileSystem(String name) throws IOException {
    coordinate(
        CoordinateRequest.newBuilder()
            .setCreateFs(
                CreateFsRequest.newBuilder()
                    .setName(name)
                    .setUuid(UUID.randomUUID().toString())
                    .setObjectStore(bucket())));
  }

  /**
   * Makes a file system on volumes that are plain files.
   *
   * @param quarantineSeconds how long freed blocks rest
   * @param mebibytes of each volume
   */
  public void createVolumeFileSystem(String name, int quarantineSeconds, int... mebibytes)
      throws IOException {
    createVolumeFileSystem(name, quarantineSeconds, number -> "default", mebibytes);
  }

  /**
   * As {@link #createVolumeFileSystem(String, int, int...)}, where the first volume's pool set is
   * the default one.
   *
   * @param poolSets by number of the volume
   */
  public void createVolumeFileSystem(
      String name, int quarantineSeconds, IntFunction<String> poolSets, int... mebibytes)
      throws IOException {
    UUID fileSystem = UUID.randomUUID();
    VolumeStorage.Builder storage =
        VolumeStorage.newBuilder()
            .setPoolSet(poolSets.apply(1))
            .setQuarantineSeconds(quarantineSeconds);
    for (int i = 0; i < mebibytes.length; i++) {
      Path file = directory.resolve(name + "-volume-" + (i + 1));
      try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.setLength((long) mebibytes[i] << 20);
      }
      UUID volume = UUID.randomUUID();
      try (BlockDevice device = BlockDevices.open("file://" + file, DeviceOptions.DEFAULT)) {
        Volumes.format(
            device,
            new VolumeHeader(
                fileSystem,
                i + 1,
                volume,
                BlockDevice.BLOCK_BYTES,
                VolumeHeader.GROUP_BLOCKS,
                device.size(),
                poolSets.apply(i + 1),
                Instant.EPOCH,
                1),
            Volumes.Overwrite.REFUSED);
        storage.addVolumes(
            Volume.newBuilder()
                .setNumber(i + 1)
                .setUri("file://" + file)
                .setUuid(volume.toString())
                .setPoolSet(poolSets.apply(i + 1))
                .setBlocks(VolumeLayout.blocks(device.size())));
      }
    }
    coordinate(
        CoordinateRequest.newBuilder()
            .setCreateFs(
                CreateFsRequest.newBuilder()
                    .setName(name)
                    .setUuid(fileSystem.toString())
                    .setVolumeStorage(storage)));
  }

  /** What each data group finds of the space of a file system on volumes: an fsck. */
  public List<SpaceCheck> checkSpace(String fileSystem) throws IOException {
    FileSystem found =
        coordinate(
                CoordinateRequest.newBuilder()
                    .setGetRouting(GetRouting.newBuilder().setFileSystem(fileSystem)))
            .getRouting()
            .getFileSystem();
    LeaderClient leaders = new LeaderClient(rpc, group -> addresses(), timer);
    return found.getPartitionGroupsList().stream()
        .distinct()
        .map(
            group ->
                leaders
                    .call(
                        new GroupId(group),
                        RpcMethod.READ,
                        ReadRequest.newBuilder()
                            .setTarget(
                                Target.newBuilder().setGroup(group).setFileSystem(found.getId()))
                            .setCheckSpace(CheckSpace.getDefaultInstance())
                            .build(),
                        ReadReply.class,
                        Deadline.in(LONG))
                    .join()
                    .getSpaceCheck())
        .toList();
  }

  public MetaClient connect(String fileSystem) throws RefusedException {
    return connect(fileSystem, MetaOptions.DEFAULTS, new SimpleMeterRegistry());
  }

  public MetaClient connect(String fileSystem, MetaOptions options, MeterRegistry registry)
      throws RefusedException {
    return MetaClient.connect(
        addresses(),
        fileSystem,
        Session.newBuilder().setHost("test").setMountPoint("/test").build(),
        options,
        LONG,
        WallClock.SYSTEM,
        registry);
  }

  @Override
  public void close() {
    servers.values().forEach(MetaServer::close);
    s3.close();
    rpc.close();
    timer.shutdownNow();
  }
}
