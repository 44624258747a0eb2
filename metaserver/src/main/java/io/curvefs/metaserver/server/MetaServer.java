package io.curvefs.metaserver.server;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.fault.FaultPoint;
import io.curvefs.id.GroupId;
import io.curvefs.id.ServerId;
import io.curvefs.metaserver.coordinator.Coordinator;
import io.curvefs.metaserver.coordinator.CoordinatorReplica;
import io.curvefs.metaserver.coordinator.CoordinatorService;
import io.curvefs.metaserver.coordinator.FileSystemJobs;
import io.curvefs.metaserver.coordinator.GroupLoads;
import io.curvefs.metaserver.coordinator.SessionJobs;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.metaserver.raft.RaftHost;
import io.curvefs.metaserver.reclaim.GroupCaretaker;
import io.curvefs.metaserver.service.NamespaceService;
import io.curvefs.metaserver.store.StoreResources;
import io.curvefs.metaserver.supply.BlockGroupKeeper;
import io.curvefs.metaserver.supply.Loans;
import io.curvefs.metaserver.supply.SpaceSupply;
import io.curvefs.metaserver.transaction.TransactionDriver;
import io.curvefs.metaserver.transaction.TransactionFinisher;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.HelloReply;
import io.curvefs.proto.HelloRequest;
import io.curvefs.proto.ServerInfo;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcHandler;
import io.curvefs.rpc.RpcMethod;
import io.curvefs.rpc.RpcServer;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One metaserver process, wired. */
public final class MetaServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MetaServer.class);
  private static final GroupId COORDINATOR = new GroupId(0);
  private static final int RPC_THREADS = 2;
  private static final int READER_THREADS = 4;

  /** Requests that wait for a thread of one kind. */
  private static final int POOL_QUEUE_MAX = 1024;

  /**
   * Changes across groups that can be under way at once; each waits on the network most of the
   * time.
   */
  private static final int TRANSACTION_THREADS = 64;

  private static final Duration HELLO_MAX = Duration.ofSeconds(1);

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final MetaServerConfig config;
  private final HostedGroups groups;

  private MetaServer(MetaServerConfig config, MeterRegistry registry, Consumer<String> fatal)
      throws IOException {
    this.config = config;
    boolean started = false;
    try {
      this.groups = start(registry, fatal);
      started = true;
    } finally {
      if (!started) {
        close();
      }
    }
  }

  /**
   * Starts a metaserver. It answers when this returns; its groups elect their leaders a little
   * later.
   *
   * @param fatal told when the server finds out later that it must not run; one line for a person
   * @throws IOException one line that names what is wrong and the remedy
   */
  public static MetaServer start(
      MetaServerConfig config, MeterRegistry registry, Consumer<String> fatal) throws IOException {
    return new MetaServer(config, registry, fatal);
  }

  private HostedGroups start(MeterRegistry registry, Consumer<String> fatal) throws IOException {
    DataDirectory directory = opened(DataDirectory.open(config));
    ServerInfo self =
        ServerInfo.newBuilder()
            .setId(config.id().value())
            .setHost(address(config.id()).host())
            .setPort(config.listen().port())
            .build();
    RpcClient rpc = opened(new RpcClient(1));
    greetPeers(rpc, directory);

    StoreResources resources =
        opened(new StoreResources(config.blockCacheBytes(), config.writeBufferBytes()));
    RaftHost host =
        opened(
            RaftHost.start(
                MetaServerConfig.raftAddress(config.listen()),
                clusterTag(directory.peers()),
                resources,
                config.raft()));
    ServerMetrics metrics = new ServerMetrics(registry);
    metrics.memory(resources::blockCacheBytes);
    HostedGroups hosted = opened(new HostedGroups(host, directory, metrics));
    List<HostPort> raftPeers =
        config.peers().values().stream().map(MetaServerConfig::raftAddress).toList();
    RaftGroup<CoordinatorOutcome> coordinatorGroup =
        opened(
            host.startGroup(
                COORDINATOR,
                directory.group(COORDINATOR),
                raftPeers,
                new CoordinatorReplica(),
                metrics.group(COORDINATOR)));
    metrics.host(coordinatorGroup);
    for (GroupId known : directory.groups()) {
      if (!known.equals(COORDINATOR)) {
        hosted.ensure(known, raftPeers); // its log knows its members; these are for an empty one
      }
    }

    ScheduledExecutorService timer = opened(scheduler("timer", 1));
    ClusterMap map = new ClusterMap(config.peers().values(), new SecureRandom());
    LeaderClient leaders = new LeaderClient(rpc, map::members, timer);
    ClusterGroups groupPort = new ClusterGroups(hosted, leaders);
    TransactionFinisher finisher = new TransactionFinisher(groupPort);
    TransactionDriver transactions =
        new TransactionDriver(map, groupPort, finisher, new SecureRandom());
    ServerBeats beats = new ServerBeats(self, directory, leaders, map, hosted, fatal);
    CoordinatorSpace blockGroups = new CoordinatorSpace(leaders);
    Loans loans = new Loans(new ClusterLenders(map, groupPort), System::nanoTime);
    SpaceSupply supply = new SpaceSupply(blockGroups, loans, System::nanoTime);
    ExecutorService readers = opened(pool("reader", READER_THREADS));
    ExecutorService checkers = opened(pool("space-check", 1));
    NamespaceService namespace =
        new NamespaceService(
            map,
            beats,
            transactions,
            readers,
            checkers,
            opened(pool("transaction", TRANSACTION_THREADS)),
            supply,
            timer);

    Buckets buckets = opened(new Buckets());
    Coordinator coordinator = new Coordinator(coordinatorGroup, WallClock.SYSTEM);
    metrics.sessions(coordinator::sessions);
    FileSystemJobs jobs =
        opened(
            new FileSystemJobs(
                coordinator,
                groupPort,
                buckets,
                firstGroups(),
                WallClock.SYSTEM,
                scheduler("file-systems", 1)));
    SessionJobs sessions =
        opened(new SessionJobs(coordinator, groupPort, WallClock.SYSTEM, scheduler("sessions", 1)));
    CoordinatorService coordinatorService =
        new CoordinatorService(coordinator, jobs, sessions, new GroupLoads());
    GroupCaretaker caretaker =
        opened(
            new GroupCaretaker(
                hosted::all,
                map::activeFileSystems,
                finisher,
                buckets,
                beats::isLive,
                new BlockGroupKeeper(blockGroups),
                loans,
                System::nanoTime,
                scheduler("caretaker", 4)));

    RpcHandler dispatcher =
        new Dispatcher(
            hosted::find,
            namespace,
            coordinatorService,
            group -> leader(group, hosted, coordinatorGroup),
            () ->
                HelloReply.newBuilder()
                    .setClusterUuid(directory.clusterUuid())
                    .setServer(self)
                    .build(),
            metrics,
            readers);
    opened(RpcServer.start(config.listen(), RPC_THREADS, dispatcher));
    jobs.start();
    sessions.start();
    caretaker.start();
    beats.start(opened(scheduler("beat", 1)));
    FaultPoint.armed().ifPresent(where -> log.warn("this metaserver is to die at {}", where));
    log.info("metaserver {} listens on {}", config.id(), config.listen());
    return hosted;
  }

  private HostPort address(ServerId id) {
    HostPort address = config.peers().get(id);
    if (address == null) {
      throw new IllegalStateException("checked by the configuration");
    }
    return address;
  }

  /**
   * Asks those that run already whether they are of the same cluster: better now than in the log.
   */
  private void greetPeers(RpcClient rpc, DataDirectory directory) throws IOException {
    for (Map.Entry<ServerId, HostPort> peer : config.peers().entrySet()) {
      if (peer.getKey().equals(config.id())) {
        continue;
      }
      HelloReply reply;
      try {
        reply =
            rpc.call(
                    peer.getValue(),
                    RpcMethod.HELLO,
                    HelloRequest.getDefaultInstance(),
                    HelloReply.class,
                    HELLO_MAX)
                .join();
      } catch (CompletionException e) {
        continue; // not up yet
      }
      String theirs = reply.getClusterUuid();
      if (!theirs.isEmpty()
          && !directory.clusterUuid().isEmpty()
          && !theirs.equals(directory.clusterUuid())) {
        throw new RefusedException(
            Refusal.OTHER_CLUSTER,
            config.dataDirectory()
                + " belongs to cluster "
                + directory.clusterUuid()
                + ", but "
                + peer.getValue()
                + " is of cluster "
                + theirs
                + ": give --data-dir an empty directory, or --peers those of its own cluster");
      }
      if (reply.getServer().getId() != peer.getKey().value()) {
        throw new RefusedException(
            Refusal.OTHER_CLUSTER,
            "--peers says that server "
                + peer.getKey()
                + " is at "
                + peer.getValue()
                + ", but server "
                + reply.getServer().getId()
                + " answers there");
      }
    }
  }

  /** Part of every raft group's name on the wire, so that clusters cannot talk past each other. */
  private static String clusterTag(String peers) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(peers.getBytes(StandardCharsets.UTF_8));
      return "curvefs-" + HexFormat.of().formatHex(digest, 0, 4);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private List<GroupInfo> firstGroups() {
    List<Integer> servers = config.peers().keySet().stream().map(ServerId::value).sorted().toList();
    return IntStream.rangeClosed(1, config.dataGroups())
        .mapToObj(id -> GroupInfo.newBuilder().setId(id).addAllServers(servers).build())
        .toList();
  }

  private Optional<ServerInfo> leader(
      GroupId group, HostedGroups hosted, RaftGroup<CoordinatorOutcome> coordinatorGroup) {
    DataGroup here = hosted.find(group);
    Optional<HostPort> leader =
        group.equals(COORDINATOR)
            ? coordinatorGroup.leader()
            : here == null ? Optional.empty() : here.raft().leader();
    return leader.map(
        raft -> ServerInfo.newBuilder().setHost(raft.host()).setPort(raft.port() - 1).build());
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.push(resource);
    return resource;
  }

  private <T extends ExecutorService> T opened(T threads) {
    open.push(threads::shutdownNow);
    return threads;
  }

  private static ScheduledExecutorService scheduler(String name, int threads) {
    return Executors.newScheduledThreadPool(threads, new DefaultThreadFactory(name, true));
  }

  /** What exceeds the queue is refused: its client asks again. */
  private static ExecutorService pool(String name, int threads) {
    return new ThreadPoolExecutor(
        threads,
        threads,
        0,
        TimeUnit.SECONDS,
        new ArrayBlockingQueue<>(POOL_QUEUE_MAX),
        new DefaultThreadFactory(name, true));
  }

  /** Whether every group of this server knows its leader. */
  public boolean isSettled() {
    return !groups.all().isEmpty()
        && groups.all().stream().allMatch(group -> group.raft().leader().isPresent());
  }

  /** The data group, when this server hosts it; for tests. */
  @Nullable DataGroup group(GroupId id) {
    return groups.find(id);
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      AutoCloseable next = open.pop();
      try {
        next.close();
      } catch (Exception e) { // the others are to be closed all the same
        log.warn("closing {} failed", next, e);
      }
    }
  }
}
