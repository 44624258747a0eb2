package io.curvefs.client.meta;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.GetChunks;
import io.curvefs.proto.GetFiles;
import io.curvefs.proto.GetInodes;
import io.curvefs.proto.GetSpace;
import io.curvefs.proto.GetUsage;
import io.curvefs.proto.GetXattr;
import io.curvefs.proto.ListDirectory;
import io.curvefs.proto.ListXattrs;
import io.curvefs.proto.Lookup;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Open;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.Session;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.proto.Target;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import io.curvefs.space.VolumeLayout;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;

/**
 * The metaservers as one: every call goes to the leader of the group it concerns, is repeated over
 * leader changes, and ends within the operation's bound. Asks, remembers nothing but the session.
 * Thread-safe.
 */
public final class MetaClient implements AutoCloseable {
  /** Names of one page of a listing. */
  public static final int LIST_PAGE = 2048;

  private static final int INODES_PER_REQUEST = 1000;
  private static final int IO_THREADS = 1;

  private final RpcClient rpc;
  private final ScheduledExecutorService timer;
  private final LeaderClient leaders;
  private final Routes routes;
  private final CacheServers cacheServers = new CacheServers();
  private final MetaRequests requests;
  private final SessionKeeper sessions;
  private final OpenFiles openFiles = new OpenFiles();
  private final OpenReporter reporter;
  private final SpaceClient space;
  private final WallClock clock;
  private final Duration operationMax;

  private MetaClient(
      List<HostPort> servers,
      String fileSystem,
      Session description,
      MetaOptions options,
      WallClock clock,
      MeterRegistry registry) {
    this.rpc = new RpcClient(IO_THREADS);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("meta-timer", true));
    this.routes = new Routes(servers);
    this.leaders = new LeaderClient(rpc, routes::members, timer);
    this.requests = new MetaRequests(registry);
    this.reporter = new OpenReporter(leaders, routes, openFiles, requests);
    this.sessions =
        new SessionKeeper(
            leaders,
            routes,
            cacheServers,
            requests,
            fileSystem,
            description,
            this::reportOpens,
            Executors.newSingleThreadScheduledExecutor(
                new DefaultThreadFactory("meta-session", true)));
    this.space = new SpaceClient(this, routes, reporter, openFiles, sessions);
    this.clock = clock;
    this.operationMax = options.operationMax();
  }

  /**
   * Finds a file system and registers with its cluster.
   *
   * @param servers addresses of metaservers, at least one
   * @param description of the mount; its id and file system are filled in
   * @throws RefusedException NO_SUCH_FILE_SYSTEM, or UNREACHABLE within the bound
   */
  public static MetaClient connect(
      List<HostPort> servers,
      String fileSystem,
      Session description,
      MetaOptions options,
      Duration connectMax,
      WallClock clock,
      MeterRegistry registry)
      throws RefusedException {
    MetaClient client = new MetaClient(servers, fileSystem, description, options, clock, registry);
    boolean connected = false;
    try {
      client.sessions.start(Deadline.in(connectMax));
      connected = true;
      return client;
    } finally {
      if (!connected) {
        client.close();
      }
    }
  }

  /** The file system as it was when last heard of, with what is needed to reach its bucket. */
  public FileSystem fileSystem() {
    return routes.fileSystem();
  }

  /**
   * Tells of the memcached servers that the file system's mounts share: at once of those known now,
   * then whenever they change, a few seconds after {@code curvefs cachecluster} changed them; none:
   * an empty list. There is one listener, the last given; it is called in order, by the thread that
   * keeps the session alive, and so must return within a few seconds.
   */
  public void onCacheServers(Consumer<List<HostPort>> listener) {
    cacheServers.listen(listener);
  }

  /** What mounts on volumes ask beside files. */
  public SpaceClient space() {
    return space;
  }

  /** Any current session: the upper half of new slice ids. */
  public SessionId session() throws RefusedException {
    return sessions.current(deadline()).id;
  }

  private Deadline deadline() {
    return Deadline.in(operationMax);
  }

  private void reportOpens() {
    try {
      reporter.report(sessions.current(Deadline.in(Duration.ofMillis(1))));
    } catch (RefusedException e) {
      // No session now; the next one reports.
    }
  }

  /** Tells of closed files now rather than with the next beat. */
  public void reportOpensNow() {
    reportOpens();
  }

  // ---- reading ----

  private ReadReply read(InodeId where, ReadRequest.Builder request) throws RefusedException {
    return read(routes.groupOf(where), request, 0);
  }

  ReadReply read(GroupId group, ReadRequest.Builder request, int session) throws RefusedException {
    return Answers.await(send(group, request, session));
  }

  private CompletableFuture<ReadReply> send(
      GroupId group, ReadRequest.Builder request, int session) {
    request.setTarget(
        Target.newBuilder()
            .setGroup(group.value())
            .setFileSystem(routes.fileSystem().getId())
            .setSession(session));
    return requests.send(
        request.getKindCase(),
        () -> leaders.call(group, RpcMethod.READ, request.build(), ReadReply.class, deadline()));
  }

  /** The answer holds the dentry, and the inode where it lives in the directory's group. */
  ReadReply lookup(InodeId parent, ByteString name) throws RefusedException {
    return read(
        parent,
        ReadRequest.newBuilder()
            .setLookup(Lookup.newBuilder().setParent(parent.value()).setName(name)));
  }

  private Map<GroupId, List<Long>> byGroup(Collection<InodeId> ids) throws RefusedException {
    Map<GroupId, List<Long>> byGroup = new HashMap<>();
    for (InodeId id : ids) {
      byGroup.computeIfAbsent(routes.groupOf(id), g -> new ArrayList<>()).add(id.value());
    }
    return byGroup;
  }

  /** Attributes of those of the inodes that exist; one request for each group they live in. */
  List<Attributes> inodes(Collection<InodeId> ids) throws RefusedException {
    List<CompletableFuture<ReadReply>> replies = new ArrayList<>();
    byGroup(ids)
        .forEach(
            (group, all) -> {
              for (int i = 0; i < all.size(); i += INODES_PER_REQUEST) {
                List<Long> some = all.subList(i, Math.min(all.size(), i + INODES_PER_REQUEST));
                replies.add(
                    send(
                        group,
                        ReadRequest.newBuilder()
                            .setGetInodes(GetInodes.newBuilder().addAllIds(some)),
                        0));
              }
            });
    List<Attributes> found = new ArrayList<>();
    for (CompletableFuture<ReadReply> reply : replies) {
      Answers.await(reply).getInodesList().forEach(inode -> found.add(Attributes.of(inode)));
    }
    return found;
  }

  ReadReply list(InodeId directory, ByteString after) throws RefusedException {
    return read(
        directory,
        ReadRequest.newBuilder()
            .setListDirectory(
                ListDirectory.newBuilder()
                    .setInode(directory.value())
                    .setAfter(after)
                    .setLimit(LIST_PAGE)));
  }

  /** The current attributes and first chunks; the inode is held open until {@link #closed}. */
  ReadReply open(InodeId inode) throws RefusedException {
    GroupId group = routes.groupOf(inode);
    reporter.used(group);
    long number = openFiles.next();
    try {
      ReadReply reply =
          inSession(
              session ->
                  read(
                      group,
                      ReadRequest.newBuilder()
                          .setOpen(Open.newBuilder().setInode(inode.value()).setNumber(number)),
                      session.id.value()));
      openFiles.opened(inode, number);
      return reply;
    } finally {
      openFiles.answered(number);
    }
  }

  /**
   * Holds open without asking, until {@link #closed}. The metaservers are told with the next beat,
   * or by {@link #tellHeld}.
   */
  void hold(InodeId inode) throws RefusedException {
    reporter.used(routes.groupOf(inode));
    openFiles.hold(inode);
  }

  /** Returns when the metaservers know of everything held open: what follows may remove it. */
  void tellHeld() throws RefusedException {
    if (openFiles.hasUntold()) {
      inSession(
          session -> {
            reporter.tellHeld(session, deadline());
            return session;
          });
    }
  }

  void closed(InodeId inode) {
    openFiles.close(inode);
  }

  boolean isOpen(InodeId inode) {
    return openFiles.isOpen(inode);
  }

  /**
   * Chunks of a file.
   *
   * @return chunk rows with the inode they belong to at that moment
   */
  public ReadReply chunks(InodeId inode, int first, int count) throws RefusedException {
    return read(
        inode,
        ReadRequest.newBuilder()
            .setGetChunks(
                GetChunks.newBuilder().setInode(inode.value()).setFirst(first).setCount(count)));
  }

  /**
   * Those of the inodes that exist, with their first chunks: one request for each group they live
   * in, more when there are more than 1000 or when they have very many extents. Whole is a file
   * whose length is within {@code chunks_known} chunks.
   *
   * @param chunks of each file, 1 to 64
   */
  List<FileChunks> files(Collection<InodeId> ids, int chunks) throws RefusedException {
    List<FileChunks> found = new ArrayList<>();
    for (Map.Entry<GroupId, List<Long>> group : byGroup(ids).entrySet()) {
      List<Long> left = group.getValue();
      while (!left.isEmpty()) {
        List<Long> some = left.subList(0, Math.min(left.size(), INODES_PER_REQUEST));
        GetFiles.Builder get = GetFiles.newBuilder().addAllIds(some).setChunks(chunks);
        ReadReply reply = read(group.getKey(), ReadRequest.newBuilder().setGetFiles(get), 0);
        found.addAll(reply.getFilesList());
        if (reply.getIdsLookedAt() < 1 || reply.getIdsLookedAt() > some.size()) {
          throw new RefusedException(
              Refusal.EIO, reply.getIdsLookedAt() + " of " + some.size() + " files answered");
        }
        left = left.subList(reply.getIdsLookedAt(), left.size());
      }
    }
    return found;
  }

  public ByteString xattr(InodeId inode, ByteString name) throws RefusedException {
    return read(
            inode,
            ReadRequest.newBuilder()
                .setGetXattr(GetXattr.newBuilder().setInode(inode.value()).setName(name)))
        .getValue();
  }

  public List<ByteString> xattrNames(InodeId inode) throws RefusedException {
    return read(
            inode,
            ReadRequest.newBuilder().setListXattrs(ListXattrs.newBuilder().setInode(inode.value())))
        .getNamesList();
  }

  /**
   * How full the file system is.
   *
   * @param bytes of files; on volumes, all that is not free: also what is reserved, or was freed
   *     lately
   * @param bytesMax on volumes; 0: there is no end
   */
  public record Usage(long bytes, long inodes, long bytesMax) {}

  /** Adds up what every group says now. */
  public Usage usage() throws RefusedException {
    FileSystem fileSystem = routes.fileSystem();
    List<CompletableFuture<ReadReply>> replies = new ArrayList<>();
    List<CompletableFuture<ReadReply>> spaces = new ArrayList<>();
    for (GroupId group : routes.groups()) {
      replies.add(
          send(group, ReadRequest.newBuilder().setGetUsage(GetUsage.getDefaultInstance()), 0));
      if (fileSystem.hasVolumeStorage()) {
        spaces.add(
            send(group, ReadRequest.newBuilder().setGetSpace(GetSpace.getDefaultInstance()), 0));
      }
    }
    long bytes = 0;
    long inodes = 0;
    for (CompletableFuture<ReadReply> reply : replies) {
      bytes += Answers.await(reply).getUsedBytes();
      inodes += Answers.await(reply).getUsedInodes();
    }
    return fileSystem.hasVolumeStorage()
        ? onVolumes(fileSystem.getVolumeStorage(), spaces, inodes)
        : new Usage(bytes, inodes, 0);
  }

  /** New files go to one pool set: what is elsewhere is no room for them. */
  private static Usage onVolumes(
      VolumeStorage storage, List<CompletableFuture<ReadReply>> spaces, long inodes)
      throws RefusedException {
    long used = 0;
    for (CompletableFuture<ReadReply> reply : spaces) {
      for (SpaceUsage space : Answers.await(reply).getSpaceList()) {
        if (space.getPoolSet().equals(storage.getPoolSet())) {
          used += space.getUsed() + space.getReserved() + space.getQuarantined();
        }
      }
    }
    long total =
        storage.getVolumesList().stream()
            .filter(volume -> volume.getPoolSet().equals(storage.getPoolSet()))
            .mapToLong(Volume::getBlocks)
            .sum();
    return new Usage(used * VolumeLayout.BLOCK_BYTES, inodes, total * VolumeLayout.BLOCK_BYTES);
  }

  // ---- changing ----

  @FunctionalInterface
  interface SessionCall<T> {
    T run(SessionKeeper.ClientSession session) throws RefusedException;
  }

  /**
   * Makes a call with the current session; one that turns out to be over is replaced for the next.
   */
  <T> T inSession(SessionCall<T> call) throws RefusedException {
    SessionKeeper.ClientSession session = sessions.current(deadline());
    try {
      return call.run(session);
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.SESSION_EXPIRED) {
        sessions.lost(session.id);
      }
      throw e;
    }
  }

  /**
   * Changes something, exactly once however often the request has to be sent.
   *
   * @param where an inode of the group that is to carry it out: the directory, or the inode itself
   */
  public MutateReply mutate(InodeId where, MutateRequest.Builder request) throws RefusedException {
    GroupId group = routes.groupOf(where);
    reporter.used(group);
    SessionCall<MutateReply> call = session -> mutate(group, session, request);
    try {
      return inSession(call);
    } catch (RefusedException e) {
      // The bytes of a host that slept are in the object store, and which slices are committed
      // already can be told from the slices: nothing else may be sent again in a new session.
      // So it is with blocks that were overwritten in place.
      boolean again =
          request.hasCommit()
              || (request.hasCommitBlocks() && request.getCommitBlocks().getChunksCount() == 0);
      if (e.refusal() == Refusal.SESSION_EXPIRED && again) {
        return inSession(call);
      }
      throw e;
    }
  }

  MutateReply mutate(
      GroupId group, SessionKeeper.ClientSession session, MutateRequest.Builder request)
      throws RefusedException {
    Slots slots = session.slots(group);
    Slots.Slot slot;
    try {
      slot = slots.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    }
    try {
      request
          .setTarget(
              Target.newBuilder()
                  .setGroup(group.value())
                  .setFileSystem(routes.fileSystem().getId())
                  .setSession(session.id.value()))
          .setSlot(slot.number)
          .setSequence(slot.next())
          .setTime(clock.now());
      return Answers.await(
          requests.send(
              request.getKindCase(),
              () ->
                  leaders.call(
                      group, RpcMethod.MUTATE, request.build(), MutateReply.class, deadline())));
    } finally {
      slots.give(slot);
    }
  }

  /**
   * Changes something by means of what a session has reserved.
   *
   * @throws RefusedException EIO when that session is over
   */
  MutateReply mutateIn(SessionId owner, InodeId where, MutateRequest.Builder request)
      throws RefusedException {
    GroupId group = routes.groupOf(where);
    return inSession(
        session -> {
          if (!session.id.equals(owner)) {
            throw new RefusedException(
                Refusal.EIO, "session " + owner + " was lost, and what it had reserved with it");
          }
          return mutate(group, session, request);
        });
  }

  /** As {@link #mutate}, for a create that also opens: held open until {@link #closed}. */
  MutateReply createOpen(InodeId parent, MutateRequest.Builder create) throws RefusedException {
    long number = openFiles.next();
    create.getCreateBuilder().setOpenNumber(number);
    try {
      MutateReply reply = mutate(parent, create);
      openFiles.opened(new InodeId(reply.getInode().getId()), number);
      return reply;
    } finally {
      openFiles.answered(number);
    }
  }

  @Override
  public void close() {
    sessions.close();
    timer.shutdownNow();
    rpc.close();
  }
}
