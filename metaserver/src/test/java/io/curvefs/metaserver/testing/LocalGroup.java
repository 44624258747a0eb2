package io.curvefs.metaserver.testing;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.PartitionReplica;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.metaserver.raft.RaftHost;
import io.curvefs.metaserver.raft.RaftSettings;
import io.curvefs.metaserver.store.Replica;
import io.curvefs.metaserver.store.StoreResources;
import io.curvefs.metaserver.transaction.Participant;
import io.curvefs.proto.CreatePartition;
import io.curvefs.proto.Effect;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.testing.FreePorts;
import io.curvefs.time.WallClock;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A raft group with one member, and a data group in it that leads: raft, log and store are real.
 */
public final class LocalGroup implements AutoCloseable {
  public static final int FILE_SYSTEM = 1;
  private static final RaftSettings SETTINGS = new RaftSettings(200, 3600, 0);
  private static final int SECONDS_MAX = 20;

  private final GroupId id;
  private final Path directory;
  private final StoreResources resources = new StoreResources(16 << 20, 16 << 20);
  private final HostPort address;
  private final RaftHost host;
  private DataGroup group;

  public LocalGroup(Path directory) throws Exception {
    this(directory, new GroupId(1));
  }

  public LocalGroup(Path directory, GroupId id) throws Exception {
    this.id = id;
    this.directory = directory;
    this.address = new HostPort("127.0.0.1", FreePorts.one());
    host = RaftHost.start(address, "test", resources, SETTINGS);
    start();
    apply(
        LogEntry.newBuilder()
            .setCreatePartition(
                CreatePartition.newBuilder().setFileSystem(FILE_SYSTEM).setPartition(0)));
  }

  private void start() throws Exception {
    group = new DataGroup(startGroup(id, host, address, directory, new PartitionReplica()));
    while (group.leadership() == null) {
      if (Thread.interrupted()) {
        throw new AssertionError("the group has no leader in time");
      }
      Thread.onSpinWait();
    }
  }

  /** Starts a group with this server as its only member. */
  public static <O> RaftGroup<O> startGroup(
      RaftHost host, HostPort address, Path directory, Replica<O> replica) throws Exception {
    return startGroup(new GroupId(1), host, address, directory, replica);
  }

  private static <O> RaftGroup<O> startGroup(
      GroupId id, RaftHost host, HostPort address, Path directory, Replica<O> replica)
      throws Exception {
    return host.startGroup(id, directory, List.of(address), replica, kind -> {});
  }

  public DataGroup group() {
    return group;
  }

  public Leadership leadership() {
    Leadership leadership = group.leadership();
    if (leadership == null) {
      throw new AssertionError("the only member does not lead");
    }
    return leadership;
  }

  /** Ends the term and begins another, by a restart. */
  public void restart() throws Exception {
    group.raft().close();
    start();
  }

  public Outcome apply(LogEntry.Builder entry) throws Exception {
    return group
        .propose(leadership(), entry.setTime(WallClock.SYSTEM.now()).build())
        .get(SECONDS_MAX, TimeUnit.SECONDS);
  }

  /** Applies effects as the server's own work, as they are. */
  public Outcome apply(Effect.Builder... effects) throws Exception {
    Mutation.Builder mutation = Mutation.newBuilder().setFileSystem(FILE_SYSTEM);
    for (Effect.Builder effect : effects) {
      mutation.addEffects(effect);
    }
    return apply(LogEntry.newBuilder().setMutation(mutation));
  }

  /** Tells the group, as the coordinator does, that a session is over. */
  public void expire(int session) throws Exception {
    Participant.handle(
            group,
            ParticipateRequest.newBuilder()
                .setTime(WallClock.SYSTEM.now())
                .setExpireSession(ExpireSession.newBuilder().setSession(session))
                .build())
        .get(SECONDS_MAX, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    group.raft().close();
    host.close();
    resources.close();
  }
}
