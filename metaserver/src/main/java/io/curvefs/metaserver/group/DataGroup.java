package io.curvefs.metaserver.group;

import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.raft.LeadershipListener;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Inode;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.PrepareTransaction;
import io.curvefs.proto.Timestamp;
import io.curvefs.rpc.NotLeaderException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A data group as seen by this server. Thread-safe. */
public final class DataGroup {
  private final RaftGroup<Outcome> raft;
  private volatile @Nullable Leadership leadership;

  public DataGroup(RaftGroup<Outcome> raft) {
    this.raft = raft;
    raft.listen(
        new LeadershipListener() {
          @Override
          public void started(long term) {
            leadership = new Leadership(raft.id(), term, raft.rows());
          }

          @Override
          public void stopped() {
            leadership = null;
          }
        });
  }

  public GroupId id() {
    return raft.id();
  }

  public RaftGroup<Outcome> raft() {
    return raft;
  }

  public View rows() {
    return raft.rows();
  }

  /** Present while this server leads. */
  public @Nullable Leadership leadership() {
    return leadership;
  }

  /**
   * Completes as {@link RaftGroup#readBarrier}, if this server has led without a break since then:
   * what only the leader knows is then as good as the rows.
   */
  public CompletableFuture<@Nullable Void> barrier(Leadership since) {
    return raft.readBarrier()
        .thenCompose(
            passed ->
                leadership == since
                    ? CompletableFuture.completedFuture(null)
                    : CompletableFuture.failedFuture(new NotLeaderException(null)));
  }

  /**
   * @throws NotLeaderException when this server does not lead
   */
  public Leadership requireLeadership() throws NotLeaderException {
    Leadership current = leadership;
    if (current == null) {
      throw new NotLeaderException(null);
    }
    return current;
  }

  /**
   * Proposes effects that all live here; answers with CONFLICT when one is for a closed file that
   * somebody has opened since it was planned.
   */
  public CompletableFuture<Outcome> propose(
      Leadership leader, Timestamp time, Mutation.Builder mutation) {
    List<OpenTable.File> shut = new ArrayList<>();
    for (Effect.Builder effect : mutation.getEffectsBuilderList()) {
      if (!shutMoved(leader, mutation.getFileSystem(), effect, shut)) {
        shut.forEach(leader.opens()::unshut);
        return CompletableFuture.completedFuture(
            Outcome.newBuilder().setKind(Outcome.Kind.CONFLICT).build());
      }
      markOpen(leader, mutation.getFileSystem(), effect, shut);
    }
    return unshutAfter(
        leader,
        shut,
        propose(leader, LogEntry.newBuilder().setTime(time).setMutation(mutation).build()));
  }

  /**
   * Proposes to hold effects ready for a transaction. The answer carries an inode whose id was
   * chosen here, or where the same request arrived before.
   */
  public CompletableFuture<Outcome> propose(
      Leadership leader, Timestamp time, PrepareTransaction.Builder prepare) {
    List<OpenTable.File> shut = new ArrayList<>();
    for (Effect.Builder effect : prepare.getEffectsBuilderList()) {
      markOpen(leader, prepare.getFileSystem(), effect, shut);
      if (effect.hasInsertInode()) {
        chooseId(leader, prepare.getFileSystem(), effect);
      }
    }
    return unshutAfter(
        leader,
        shut,
        raft.propose(
            LogEntry.newBuilder().setTime(time).setPrepare(prepare).build(), leader.term()));
  }

  /** Proposes an entry that needs nothing of what only the leader knows. */
  public CompletableFuture<Outcome> propose(Leadership leader, LogEntry entry) {
    SpaceFaults faults = SpaceFaults.of(entry);
    if (faults != null) {
      faults.planned.reached();
    }
    CompletableFuture<Outcome> outcome = raft.propose(entry, leader.term());
    if (faults != null) {
      outcome = outcome.whenComplete((done, failure) -> faults.applied.reached());
    }
    return new SpaceChanges(leader.space(), rows()).follow(entry, outcome);
  }

  /** Fills in whether some session may hold the inode of a vanishing link open. */
  private static void markOpen(
      Leadership leader, int fileSystem, Effect.Builder effect, List<OpenTable.File> shut) {
    if (!effect.hasChangeLinks() || effect.getChangeLinks().getDelta() >= 0) {
      return;
    }
    ChangeLinks.Builder change = effect.getChangeLinksBuilder();
    OpenTable.File file = new OpenTable.File(fileSystem, new InodeId(change.getInode()));
    boolean isShut = leader.opens().shut(file);
    change.setMayBeOpen(!isShut);
    if (isShut) {
      shut.add(file);
    }
  }

  /**
   * Shuts a file whose blocks are moved.
   *
   * @return false when it may be open
   */
  private static boolean shutMoved(
      Leadership leader, int fileSystem, Effect.Builder effect, List<OpenTable.File> shut) {
    if (!effect.getCommitBlocks().getMoved()) {
      return true;
    }
    OpenTable.File file =
        new OpenTable.File(fileSystem, new InodeId(effect.getCommitBlocks().getInode()));
    return leader.opens().shut(file) && shut.add(file);
  }

  private static void chooseId(Leadership leader, int fileSystem, Effect.Builder effect) {
    Inode.Builder inode = effect.getInsertInodeBuilder().getInodeBuilder();
    int partition = (int) (inode.getId() >>> InodeId.PARTITION_SHIFT);
    inode.setId(leader.inodes().allocate(fileSystem, partition).value());
  }

  private static CompletableFuture<Outcome> unshutAfter(
      Leadership leader, List<OpenTable.File> shut, CompletableFuture<Outcome> outcome) {
    if (shut.isEmpty()) {
      return outcome;
    }
    return outcome.whenComplete((done, failure) -> shut.forEach(leader.opens()::unshut));
  }
}
