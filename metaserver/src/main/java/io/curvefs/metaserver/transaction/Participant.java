package io.curvefs.metaserver.transaction;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Locks;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.supply.Lending;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Loan;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.LookAt;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.TransactionId;
import io.curvefs.rpc.NotLeaderException;
import java.util.concurrent.CompletableFuture;

/** What a group's leader does for other metaservers. Never blocks. Thread-safe. */
public final class Participant {
  private Participant() {}

  /** Carries out what another server asks of a group that this server leads. */
  public static CompletableFuture<ParticipateReply> handle(
      DataGroup group, ParticipateRequest request) {
    Leadership leadership;
    try {
      leadership = group.requireLeadership();
    } catch (NotLeaderException e) {
      return CompletableFuture.failedFuture(e);
    }
    LogEntry.Builder entry = LogEntry.newBuilder().setTime(request.getTime());
    return switch (request.getKindCase()) {
      case PREPARE ->
          answer(group.propose(leadership, request.getTime(), request.getPrepare().toBuilder()));
      case FINISH ->
          answer(group.propose(leadership, entry.setFinish(request.getFinish()).build()));
      case CREATE_PARTITION ->
          answer(
              group.propose(
                  leadership, entry.setCreatePartition(request.getCreatePartition()).build()));
      case DROP_FILE_SYSTEM ->
          answer(
              group.propose(
                  leadership, entry.setDropFileSystem(request.getDropFileSystem()).build()));
      case EXPIRE_SESSION -> {
        SessionId session = new SessionId(request.getExpireSession().getSession());
        yield answer(
            group
                .propose(leadership, entry.setExpireSession(request.getExpireSession()).build())
                .whenComplete((outcome, failure) -> leadership.opens().forget(session)));
      }
      case STATUS ->
          group
              .barrier(leadership)
              .thenApply(passed -> status(group, leadership, request.getStatus()));
      case LOOK_AT ->
          group.raft().readBarrier().thenCompose(passed -> look(group, request.getLookAt()));
      case ASK_LOAN -> loan(Lending.lend(group, leadership, request.getAskLoan()));
      case RENEW_LOANS -> loan(Lending.renew(group, leadership, request.getRenewLoans()));
      case END_LOANS ->
          answer(group.propose(leadership, entry.setEndLoans(request.getEndLoans()).build()));
      case KIND_NOT_SET ->
          CompletableFuture.failedFuture(
              new RefusedException(Refusal.BAD_REQUEST, "a request this server does not know"));
    };
  }

  private static CompletableFuture<ParticipateReply> loan(CompletableFuture<Loan> loan) {
    return loan.thenApply(made -> ParticipateReply.newBuilder().setLoan(made).build());
  }

  private static CompletableFuture<ParticipateReply> answer(CompletableFuture<Outcome> outcome) {
    return outcome.thenApply(done -> ParticipateReply.newBuilder().setOutcome(done).build());
  }

  /**
   * The order matters: a transaction that stops being undecided has its decision in the rows by
   * then.
   */
  private static ParticipateReply status(DataGroup group, Leadership leadership, TransactionId id) {
    ParticipateReply.TransactionStatus status;
    if (leadership.isUndecided(id)) {
      status = ParticipateReply.TransactionStatus.RUNNING;
    } else if (group.rows().get(Keys.decision(id)) != null) {
      status = ParticipateReply.TransactionStatus.COMMITTED;
    } else {
      status = ParticipateReply.TransactionStatus.ABORTED;
    }
    return ParticipateReply.newBuilder().setStatus(status).build();
  }

  private static CompletableFuture<ParticipateReply> look(DataGroup group, LookAt look) {
    Namespace namespace = new Namespace(group.rows(), look.getFileSystem());
    InodeId id = new InodeId(look.getInode());
    byte[] key =
        look.getName().isEmpty()
            ? Keys.inode(look.getFileSystem(), id.value())
            : Keys.dentry(look.getFileSystem(), id.value(), look.getName().toByteArray());
    if (Locks.isHeld(group.rows(), key)) {
      return CompletableFuture.failedFuture(
          new RefusedException(Refusal.BUSY, "a transaction is changing it"));
    }
    ParticipateReply.Builder reply = ParticipateReply.newBuilder();
    if (look.getName().isEmpty()) {
      Inode inode = namespace.inode(id);
      if (inode != null) {
        reply.setInode(inode);
      }
    } else {
      Dentry dentry = namespace.dentry(id, look.getName());
      if (dentry != null) {
        reply.setDentry(dentry);
      }
    }
    return CompletableFuture.completedFuture(reply.build());
  }
}
