package io.curvefs.metaserver.service;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.metaserver.operation.CannotPlanYetException;
import io.curvefs.metaserver.operation.LooksElsewhereException;
import io.curvefs.metaserver.operation.Operations;
import io.curvefs.metaserver.operation.Plan;
import io.curvefs.metaserver.operation.ShortOfSpaceException;
import io.curvefs.metaserver.partition.Slots;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.supply.Loans;
import io.curvefs.metaserver.supply.RestingSpace;
import io.curvefs.metaserver.supply.SpaceSupply;
import io.curvefs.metaserver.transaction.GroupSurroundings;
import io.curvefs.metaserver.transaction.TransactionDriver;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.RequestId;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.NotLeaderException;
import io.curvefs.rpc.RefusalReply;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Changes of the namespace. A request is planned on the rows as they are; its effects carry the
 * conditions under which the plan holds. When one fails, the state has moved on and the request is
 * planned again. Thread-safe.
 */
final class Mutations {
  /** How soon a request looks again whether a transaction has let go of its rows. */
  private static final int LOCKED_PAUSE_MICROS = 500;

  private final Placement placement;
  private final Admission admission;
  private final TransactionDriver transactions;
  private final Executor transactionThreads;
  private final SpaceSupply supply;
  private final ScheduledExecutorService timer;

  /**
   * @param transactionThreads run changes that wait for other groups; blocked most of the time
   */
  Mutations(
      Placement placement,
      Admission admission,
      TransactionDriver transactions,
      Executor transactionThreads,
      SpaceSupply supply,
      ScheduledExecutorService timer) {
    this.placement = placement;
    this.admission = admission;
    this.transactions = transactions;
    this.transactionThreads = transactionThreads;
    this.supply = supply;
    this.timer = timer;
  }

  CompletableFuture<MutateReply> handle(DataGroup group, MutateRequest request, Deadline deadline) {
    if (request.getSlot() < 0 || request.getSlot() >= Slots.PER_SESSION_MAX) {
      return CompletableFuture.failedFuture(
          new RefusedException(Refusal.BAD_REQUEST, "no such slot: " + request.getSlot()));
    }
    return new Request(group, request, deadline).attempt();
  }

  /** One request on its way. */
  private final class Request {
    private final DataGroup group;
    private final MutateRequest request;
    private final Deadline deadline;
    private final RequestId id;
    private final int fileSystem;
    private final SessionId session;

    /** There was too little space, or it was in too many pieces. */
    private volatile boolean askedForMore;

    Request(DataGroup group, MutateRequest request, Deadline deadline) {
      this.group = group;
      this.request = request;
      this.deadline = deadline;
      this.fileSystem = request.getTarget().getFileSystem();
      this.session = new SessionId(request.getTarget().getSession());
      this.id =
          RequestId.newBuilder()
              .setSession(session.value())
              .setSlot(request.getSlot())
              .setSequence(request.getSequence())
              .build();
    }

    CompletableFuture<MutateReply> attempt() {
      if (deadline.hasPassed()) {
        return CompletableFuture.failedFuture(new RefusedException(Refusal.BUSY, "out of time"));
      }
      Leadership leadership;
      try {
        leadership = group.requireLeadership();
      } catch (NotLeaderException e) {
        return CompletableFuture.failedFuture(e);
      }
      Plan plan;
      try {
        Outcome answered = Slots.answered(group.rows(), id);
        if (answered != null) {
          return conclude(leadership, answered);
        }
        plan =
            Operations.plan(
                request,
                new GroupSurroundings(
                    group, leadership, placement, fileSystem, session.value(), request.getTime()));
        if (plan.needsRenameLock() || !livesHere(plan)) {
          return acrossGroups(leadership);
        }
      } catch (RefusedException e) {
        return refuse(leadership, e);
      } catch (LooksElsewhereException e) {
        return acrossGroups(leadership);
      } catch (ShortOfSpaceException e) {
        return onceThereIsSpace(leadership, e);
      } catch (CannotPlanYetException e) {
        return later();
      }
      openBeforeOthersSeeIt(leadership, plan);
      return group
          .propose(
              leadership,
              request.getTime(),
              TransactionDriver.mutation(
                  plan, request, id, plan.steps().stream().map(Plan.Step::effect).toList()))
          .thenCompose(outcome -> conclude(leadership, outcome));
    }

    private boolean livesHere(Plan plan) throws RefusedException {
      for (Plan.Step step : plan.steps()) {
        if (step.partition() == Plan.HERE) {
          continue;
        }
        GroupId home = placement.groupOf(fileSystem, step.partition());
        if (!home.equals(group.id())) {
          return false;
        }
      }
      return true;
    }

    private CompletableFuture<MutateReply> onceThereIsSpace(
        Leadership leadership, ShortOfSpaceException lack) {
      Pool pool = new Pool(fileSystem, lack.poolSet());
      boolean moving = request.getReserve().getMoving();
      if (moving && askedForMore) {
        // What is still in too many pieces will stay so.
        return refuse(leadership, lack(leadership, pool, Loans.Supplied.NONE));
      }
      askedForMore = true;
      return (moving
              ? supply.moreBlockGroups(group, leadership, pool, lack.blocks())
              : supply.more(group, leadership, pool, lack.blocks()))
          .thenCompose(
              supplied ->
                  supplied == Loans.Supplied.SOME
                      ? attempt()
                      : refuse(leadership, lack(leadership, pool, supplied)));
    }

    private RefusedException lack(Leadership leadership, Pool pool, Loans.Supplied supplied) {
      return supplied == Loans.Supplied.SOON || RestingSpace.isThere(group, leadership, pool)
          ? new RefusedException(Refusal.SPACE_RESTS, "blocks of deleted data come free soon")
          : new RefusedException(
              Refusal.ENOSPC, "no space left on the volumes of pool set '" + pool.poolSet() + "'");
    }

    private CompletableFuture<MutateReply> acrossGroups(Leadership leadership) {
      CompletableFuture<Outcome> done = new CompletableFuture<>();
      try {
        transactionThreads.execute(() -> runAcrossGroups(leadership, done));
      } catch (RejectedExecutionException e) { // the queue is full
        return CompletableFuture.failedFuture(e);
      }
      return done.thenCompose(outcome -> conclude(leadership, outcome))
          .exceptionallyCompose(
              failure ->
                  RefusalReply.unwrap(failure) instanceof RefusedException refused
                          && refused.refusal().isErrno()
                      ? refuse(leadership, refused)
                      : CompletableFuture.failedFuture(failure));
    }

    private void runAcrossGroups(Leadership leadership, CompletableFuture<Outcome> done) {
      try {
        if (deadline.hasPassed()) { // the client has asked again meanwhile
          throw new RefusedException(Refusal.BUSY, "out of time");
        }
        done.complete(transactions.run(group, leadership, request, id, deadline));
      } catch (RefusedException | NotLeaderException | RuntimeException e) {
        done.completeExceptionally(e);
      }
    }

    private CompletableFuture<MutateReply> conclude(Leadership leadership, Outcome outcome) {
      return switch (outcome.getKind()) {
        case APPLIED, REPEATED -> {
          openIfAsked(leadership, outcome);
          touchIfCommitted(leadership);
          yield CompletableFuture.completedFuture(
              reply(outcome).setScarce(isScarce(leadership, outcome)).build());
        }
        case CONFLICT -> attempt();
        case LOCKED -> later();
        case UNKNOWN_SESSION ->
            admission.admit(group, leadership, session).thenCompose(admitted -> attempt());
        case MISORDERED ->
            CompletableFuture.failedFuture(
                new RefusedException(Refusal.BAD_REQUEST, "the slot has moved on"));
        case MORE, UNRECOGNIZED ->
            CompletableFuture.failedFuture(
                new IllegalStateException("not an outcome of a mutation: " + outcome.getKind()));
      };
    }

    private CompletableFuture<MutateReply> later() {
      CompletableFuture<@Nullable Void> pause = new CompletableFuture<>();
      timer.schedule(() -> pause.complete(null), LOCKED_PAUSE_MICROS, TimeUnit.MICROSECONDS);
      return pause.thenCompose(passed -> attempt());
    }

    /**
     * Answers with an errno, once it is sure that this server still led when it looked, and that
     * the reason is not the request itself, which arrived before and has been carried out
     * meanwhile.
     */
    private CompletableFuture<MutateReply> refuse(Leadership leadership, RefusedException refusal) {
      return group
          .barrier(leadership)
          .thenCompose(
              passed -> {
                Outcome answered = Slots.answered(group.rows(), id);
                return answered != null && answered.getKind() == Outcome.Kind.REPEATED
                    ? CompletableFuture.completedFuture(reply(answered).build())
                    : CompletableFuture.failedFuture(refusal);
              });
    }

    /** Whether blocks are scarce where some were reserved; sees to it that there will be more. */
    private boolean isScarce(Leadership leadership, Outcome outcome) {
      Pool pool =
          outcome.getReservedCount() == 0
              ? null
              : leadership.space().poolOf(fileSystem, outcome.getReserved(0).getAddress());
      if (pool == null) {
        return false;
      }
      supply.ahead(group, leadership, pool);
      return leadership.space().isScarce(pool, request.getReserve().getBlocks());
    }

    private void openBeforeOthersSeeIt(Leadership leadership, Plan plan) {
      if (request.hasCreate()
          && request.getCreate().getOpenNumber() != 0
          && plan.replyValue() != null) {
        open(leadership, new InodeId(plan.replyValue().getId()));
      }
    }

    private void openIfAsked(Leadership leadership, Outcome outcome) {
      if (request.hasCreate() && request.getCreate().getOpenNumber() != 0 && outcome.hasInode()) {
        open(leadership, new InodeId(outcome.getInode().getId()));
      }
    }

    private void touchIfCommitted(Leadership leadership) {
      if (request.hasCommit()) {
        for (ChunkExtents chunk : request.getCommit().getChunksList()) {
          leadership.touch(
              new Leadership.TouchedChunk(
                  fileSystem, new InodeId(request.getCommit().getInode()), chunk.getIndex()));
        }
      }
    }

    private void open(Leadership leadership, InodeId inode) {
      leadership
          .opens()
          .open(
              new OpenTable.File(fileSystem, inode), session, request.getCreate().getOpenNumber());
    }
  }

  private static MutateReply.Builder reply(Outcome outcome) {
    MutateReply.Builder reply = MutateReply.newBuilder();
    if (outcome.hasInode()) {
      reply.setInode(outcome.getInode());
    }
    if (outcome.hasParent()) {
      reply.setParent(outcome.getParent());
    }
    return reply.addAllReserved(outcome.getReservedList());
  }
}
