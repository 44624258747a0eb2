package io.curvefs.metaserver.partition;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.Replica;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.CreatePartition;
import io.curvefs.proto.Decision;
import io.curvefs.proto.DropFileSystem;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.FinishTransaction;
import io.curvefs.proto.ForgetGarbage;
import io.curvefs.proto.Inode;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.Partition;
import io.curvefs.proto.PrepareTransaction;
import io.curvefs.proto.PreparedTransaction;
import io.curvefs.proto.ReclaimOrphans;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.TransactionId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state machine of a data group: what each log entry does to the rows. Deterministic,
 * stateless; everything it knows is in the rows.
 */
public final class PartitionReplica implements Replica<Outcome> {
  /** Rows that one step of a file system's removal deletes. */
  private static final int ROWS_PER_STEP = 2000;

  /** Parts of one transaction in one group: the rename lock, and the effects. */
  private static final int PARTS_MAX = 8;

  private static final int ROOT_MODE = 0755;
  private static final byte[] NOTHING = new byte[0];
  private static final int NO_SESSION = 0;

  @Override
  public Outcome apply(LogEntry entry, long index, WriteSet rows) {
    rows.mark();
    try {
      return switch (entry.getBodyCase()) {
        case MUTATION -> mutate(entry.getMutation(), entry.getTime(), index, rows);
        case PREPARE -> prepare(entry.getPrepare(), entry.getTime(), index, rows);
        case FINISH -> finish(entry.getFinish(), index, rows);
        case FORGET -> {
          for (TransactionId id : entry.getForget().getIdsList()) {
            rows.delete(Keys.decision(id));
          }
          yield applied();
        }
        case ADMIT_SESSION -> {
          rows.put(Keys.session(entry.getAdmitSession().getSession()), NOTHING);
          yield applied();
        }
        case EXPIRE_SESSION -> {
          Slots.expire(rows, entry.getExpireSession().getSession());
          new SpaceEntries(rows, index).expire(entry.getExpireSession().getSession());
          yield applied();
        }
        case CREATE_PARTITION -> createPartition(entry.getCreatePartition(), entry.getTime(), rows);
        case DROP_FILE_SYSTEM -> drop(entry.getDropFileSystem(), rows);
        case RECLAIM_ORPHANS -> reclaim(entry.getReclaimOrphans(), entry.getTime(), index, rows);
        case FORGET_GARBAGE -> forget(entry.getForgetGarbage(), rows);
        case RESERVE_SLICE -> applied().toBuilder().setNumber(index).build();
        case HOLD_BLOCK_GROUPS -> new SpaceEntries(rows, index).hold(entry.getHoldBlockGroups());
        case DROP_BLOCK_GROUPS -> new SpaceEntries(rows, index).drop(entry.getDropBlockGroups());
        case FREE_CHUNKS -> new SpaceEntries(rows, index).freeChunks(entry.getFreeChunks());
        case RELEASE_QUARANTINE ->
            new SpaceEntries(rows, index).release(entry.getReleaseQuarantine());
        case LEND_BLOCKS -> new SpaceEntries(rows, index).lend(entry.getLendBlocks());
        case BORROW_BLOCKS -> new SpaceEntries(rows, index).borrow(entry.getBorrowBlocks());
        case RETURN_BORROWED ->
            new SpaceEntries(rows, index).returnBorrowed(entry.getReturnBorrowed());
        case END_LOANS -> new SpaceEntries(rows, index).endLoans(entry.getEndLoans());
        case COORDINATOR, BODY_NOT_SET ->
            throw new IllegalStateException("not an entry of a data group: " + entry.getBodyCase());
      };
    } catch (ConditionFailedException e) {
      rows.rollback();
      return Slots.outcome(e.kind());
    }
  }

  private static Outcome applied() {
    return Slots.outcome(Outcome.Kind.APPLIED);
  }

  private static Outcome mutate(Mutation mutation, Timestamp time, long index, WriteSet rows)
      throws ConditionFailedException {
    if (mutation.hasRequest()) {
      Outcome answered = Slots.answered(rows, mutation.getRequest());
      if (answered != null) {
        return answered;
      }
    }
    EffectApplier applier =
        new EffectApplier(
            rows,
            mutation.getFileSystem(),
            mutation.getRequest().getSession(),
            time,
            index,
            Locks.Respect.ofOthersThan(decided(mutation)));
    for (Effect effect : mutation.getEffectsList()) {
      applier.apply(effect);
    }
    if (mutation.hasDecision()) {
      Decision decision = mutation.getDecision();
      rows.put(Keys.decision(decision.getId()), decision.toByteArray());
    }
    Outcome outcome = reply(mutation, new Namespace(rows, mutation.getFileSystem()));
    if (mutation.hasRequest()) {
      Slots.remember(rows, mutation.getRequest(), outcome);
    }
    return applier.freed().isEmpty()
        ? outcome
        : outcome.toBuilder()
            .addAllFreed(applier.freed().stream().map(BlockRanges::message).toList())
            .build();
  }

  private static @Nullable TransactionId decided(Mutation mutation) {
    return mutation.hasDecision() ? mutation.getDecision().getId() : null;
  }

  private static Outcome reply(Mutation mutation, Namespace namespace) {
    Outcome.Builder outcome = Outcome.newBuilder().setKind(Outcome.Kind.APPLIED);
    if (mutation.hasReplyValue()) {
      outcome.setInode(mutation.getReplyValue());
    } else if (mutation.getReplyInode() != 0) {
      Inode inode = namespace.inode(new InodeId(mutation.getReplyInode()));
      if (inode != null) {
        outcome.setInode(inode);
      }
    }
    if (mutation.getReplyParent() != 0) {
      Inode parent = namespace.inode(new InodeId(mutation.getReplyParent()));
      if (parent != null) {
        outcome.setParent(parent);
      }
    }
    for (Effect effect : mutation.getEffectsList()) {
      outcome.addAllReserved(effect.getReserveBlocks().getRangesList());
    }
    return outcome.build();
  }

  /** Tries the effects, takes them back, and locks their rows until the transaction finishes. */
  private static Outcome prepare(
      PrepareTransaction prepare, Timestamp time, long index, WriteSet rows)
      throws ConditionFailedException {
    TransactionId id = prepare.getId();
    byte[] key = Keys.prepared(id, prepare.getPart());
    byte[] arrived = rows.get(key);
    if (arrived != null) { // the second time it may name another inode, which is not to be
      return prepared(Namespace.parse(arrived, PreparedTransaction.parser()).getEffectsList());
    }
    int fileSystem = prepare.getFileSystem();
    EffectApplier applier =
        new EffectApplier(
            rows, fileSystem, NO_SESSION, time, index, Locks.Respect.ofOthersThan(id));
    for (Effect effect : prepare.getEffectsList()) {
      applier.apply(effect);
    }
    rows.rollback();
    for (Effect effect : prepare.getEffectsList()) {
      for (byte[] locked : Locks.keysOf(fileSystem, effect)) {
        Locks.take(rows, locked, id);
      }
    }
    rows.put(
        key,
        PreparedTransaction.newBuilder()
            .setId(id)
            .setFileSystem(fileSystem)
            .addAllEffects(prepare.getEffectsList())
            .setTime(time)
            .build()
            .toByteArray());
    return prepared(prepare.getEffectsList());
  }

  /** Tells the driver which inode there will be. */
  private static Outcome prepared(List<Effect> effects) {
    Outcome.Builder outcome = applied().toBuilder();
    for (Effect effect : effects) {
      if (effect.hasInsertInode()) {
        outcome.setInode(effect.getInsertInode().getInode());
      }
    }
    return outcome.build();
  }

  private static Outcome finish(FinishTransaction finish, long index, WriteSet rows) {
    TransactionId id = finish.getId();
    for (View.Row row : rows.scan(Keys.prepared(id), null, PARTS_MAX)) {
      PreparedTransaction part = Namespace.parse(row.value(), PreparedTransaction.parser());
      if (finish.getCommit() && isThere(part.getFileSystem(), rows)) {
        carryOut(part, index, rows);
      }
      for (Effect effect : part.getEffectsList()) {
        for (byte[] locked : Locks.keysOf(part.getFileSystem(), effect)) {
          Locks.release(rows, locked);
        }
      }
      rows.delete(row.key());
    }
    return applied();
  }

  /** A file system may be dropped while a transaction of a client that is gone is unfinished. */
  private static boolean isThere(int fileSystem, WriteSet rows) {
    return !rows.scan(Keys.partitions(fileSystem), null, 1).isEmpty();
  }

  private static void carryOut(PreparedTransaction part, long index, WriteSet rows) {
    EffectApplier applier =
        new EffectApplier(
            rows, part.getFileSystem(), NO_SESSION, part.getTime(), index, Locks.Respect.NONE);
    try {
      for (Effect effect : part.getEffectsList()) {
        applier.apply(effect);
      }
    } catch (ConditionFailedException e) {
      throw new IllegalStateException(
          "a prepared transaction cannot be carried out: its locks did not hold", e);
    }
  }

  private static Outcome createPartition(CreatePartition create, Timestamp time, WriteSet rows) {
    byte[] key = Keys.partition(create.getFileSystem(), create.getPartition());
    if (rows.get(key) != null) {
      return applied(); // arrived twice
    }
    long first = (long) create.getPartition() << InodeId.PARTITION_SHIFT;
    Partition.Builder partition = Partition.newBuilder();
    if (create.getPartition() == InodeId.ROOT.partition()) {
      Inode root =
          Inode.newBuilder()
              .setId(InodeId.ROOT.value())
              .setType(FileType.DIRECTORY)
              .setMode(ROOT_MODE)
              .setNlink(2)
              .setAtime(time)
              .setMtime(time)
              .setCtime(time)
              .setParent(InodeId.ROOT.value())
              .setVersion(1)
              .build();
      rows.put(Keys.inode(create.getFileSystem(), root.getId()), root.toByteArray());
      partition.setInodes(1).setNextInode(InodeId.ROOT.value() + 1);
    } else {
      partition.setNextInode(first + 1);
    }
    rows.put(key, partition.build().toByteArray());
    return applied();
  }

  private static Outcome drop(DropFileSystem drop, WriteSet rows) {
    int fileSystem = drop.getFileSystem();
    int left = ROWS_PER_STEP;
    for (byte[] prefix : tables(fileSystem)) {
      List<View.Row> found = rows.scan(prefix, null, left);
      for (View.Row row : found) {
        rows.delete(row.key());
      }
      left -= found.size();
      if (left == 0) {
        return Slots.outcome(Outcome.Kind.MORE);
      }
    }
    return applied();
  }

  private static List<byte[]> tables(int fileSystem) {
    List<byte[]> tables = new ArrayList<>();
    tables.add(Keys.partitions(fileSystem)); // first: without them nothing is added any more
    tables.addAll(Keys.tablesOf(fileSystem));
    return tables;
  }

  private static Outcome reclaim(ReclaimOrphans reclaim, Timestamp time, long index, WriteSet rows)
      throws ConditionFailedException {
    int fileSystem = reclaim.getFileSystem();
    InodeEffects inodes =
        new InodeEffects(rows, fileSystem, new InodeTable(rows, fileSystem, time, index));
    for (long inode : reclaim.getInodesList()) {
      inodes.reclaim(inode);
    }
    return applied();
  }

  private static Outcome forget(ForgetGarbage forget, WriteSet rows) {
    for (ByteString key : forget.getChunkKeysList()) {
      rows.delete(key.toByteArray());
    }
    for (ByteString key : forget.getKeysList()) {
      rows.delete(key.toByteArray());
    }
    return applied();
  }
}
