package io.curvefs.metaserver.partition;

import com.google.protobuf.ByteString;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.operation.CannotPlanYetException;
import io.curvefs.metaserver.operation.Operations;
import io.curvefs.metaserver.operation.Plan;
import io.curvefs.metaserver.operation.ShortOfSpaceException;
import io.curvefs.metaserver.operation.Surroundings;
import io.curvefs.metaserver.space.FreeSpace;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.space.Want;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.metaserver.testing.MemoryRows;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CreatePartition;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Inode;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.RequestId;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.space.BlockRange;
import java.util.ArrayList;
import java.util.List;

/**
 * One group's replica with everything in memory and a log that can be replayed: planning and
 * applying, no raft.
 */
final class Machine {
  static final int FILE_SYSTEM = 1;
  static final int SESSION = 7;

  final MemoryRows rows = new MemoryRows();
  final List<LogEntry> log = new ArrayList<>();
  private final PartitionReplica replica = new PartitionReplica();
  private final int partitions;
  private final long[] nextInode;
  private long sequence;
  private long now = 1_000;
  private int nextPartition;
  boolean mayBeOpen;

  /** Where file data is; null: in an object store. */
  VolumeStorage volumes;

  /** What is dealt out to those who reserve. */
  FreeSpace free = new FreeSpace(rows);

  Machine(int partitions) {
    this.partitions = partitions;
    this.nextInode = new long[partitions];
    for (int i = 0; i < partitions; i++) {
      apply(
          LogEntry.newBuilder()
              .setCreatePartition(
                  CreatePartition.newBuilder().setFileSystem(FILE_SYSTEM).setPartition(i)));
      nextInode[i] = ((long) i << InodeId.PARTITION_SHIFT) + (i == 0 ? 2 : 1);
    }
    apply(LogEntry.newBuilder().setAdmitSession(AdmitSession.newBuilder().setSession(SESSION)));
  }

  Timestamp time() {
    return Timestamp.newBuilder().setSeconds(now).build();
  }

  Outcome apply(LogEntry.Builder entry) {
    LogEntry timed = entry.hasTime() ? entry.build() : entry.setTime(time()).build();
    log.add(timed);
    return apply(timed, log.size(), rows);
  }

  private Outcome apply(LogEntry entry, long index, MemoryRows target) {
    WriteSet changes = new WriteSet(target);
    Outcome outcome = replica.apply(entry, index, changes);
    target.write(changes);
    return outcome;
  }

  /** The log once more, on empty rows. */
  MemoryRows replay() {
    MemoryRows again = new MemoryRows();
    for (int i = 0; i < log.size(); i++) {
      apply(log.get(i), i + 1, again);
    }
    return again;
  }

  /** Plans and applies a request as a new one. */
  Outcome execute(MutateRequest.Builder request) throws RefusedException {
    now++;
    return apply(plan(request, ++sequence));
  }

  LogEntry.Builder plan(MutateRequest.Builder request, long number) throws RefusedException {
    Plan plan;
    try {
      plan = Operations.plan(request.setTime(time()).build(), new All());
    } catch (CannotPlanYetException e) {
      throw new AssertionError(e);
    }
    Mutation.Builder mutation =
        Mutation.newBuilder()
            .setFileSystem(FILE_SYSTEM)
            .setRequest(RequestId.newBuilder().setSession(SESSION).setSequence(number));
    for (Plan.Step step : plan.steps()) {
      Effect.Builder effect = step.effect().toBuilder();
      if (effect.hasChangeLinks()) {
        effect.getChangeLinksBuilder().setMayBeOpen(mayBeOpen);
      }
      mutation.addEffects(effect);
    }
    if (plan.replyValue() != null) {
      mutation.setReplyValue(plan.replyValue());
    } else if (plan.replyInode() != null) {
      mutation.setReplyInode(plan.replyInode().value());
    }
    if (plan.replyParent() != null) {
      mutation.setReplyParent(plan.replyParent().value());
    }
    return LogEntry.newBuilder().setTime(time()).setMutation(mutation);
  }

  Namespace namespace() {
    return new Namespace(rows, FILE_SYSTEM);
  }

  /** Sees everything, as if all partitions were in one group. */
  private final class All implements Surroundings {
    @Override
    public Inode inode(InodeId id) {
      return namespace().inode(id);
    }

    @Override
    public Dentry dentry(InodeId parent, ByteString name) {
      return namespace().dentry(parent, name);
    }

    @Override
    public boolean hasXattr(InodeId id, ByteString name) {
      return namespace().xattr(id, name) != null;
    }

    @Override
    public List<ByteString> xattrNames(InodeId id) {
      return namespace().xattrNames(id);
    }

    @Override
    public long newInode(int partition) {
      return nextInode[partition]++;
    }

    @Override
    public int choosePartition() {
      return nextPartition++ % partitions;
    }

    @Override
    public boolean holdsRenameLock() {
      return true;
    }

    @Override
    public VolumeStorage volumes() {
      return volumes;
    }

    @Override
    public boolean isReserved(BlockRange range) {
      return new SpaceRows(rows, FILE_SYSTEM).isReserved(SESSION, range);
    }

    @Override
    public boolean mayBeOpen(InodeId id) {
      return mayBeOpen;
    }

    @Override
    public boolean hasBlocks(InodeId id, ChunkBlocks places) {
      return namespace().hasBlocks(id, places);
    }

    @Override
    public List<BlockRange> takeBlocks(String poolSet, Want want) throws CannotPlanYetException {
      List<BlockRange> taken = free.take(new Pool(FILE_SYSTEM, poolSet), want);
      if (taken.isEmpty()) {
        throw new ShortOfSpaceException(poolSet, want.blocksMin());
      }
      return taken;
    }

    @Override
    public Timestamp time() {
      return Machine.this.time();
    }
  }
}
