package io.curvefs.metaserver.transaction;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.metaserver.operation.CannotPlanYetException;
import io.curvefs.metaserver.operation.Operations;
import io.curvefs.metaserver.operation.Plan;
import io.curvefs.proto.Decision;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FinishTransaction;
import io.curvefs.proto.HoldRenameLock;
import io.curvefs.proto.Inode;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.PrepareTransaction;
import io.curvefs.proto.RequestId;
import io.curvefs.proto.TransactionId;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.NotLeaderException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out a change whose rows live in several groups. The group that was asked is the
 * transaction's home. All others prepare: check, lock, remember (one entry each). Then one entry at
 * home changes its own rows and is the decision. Then the others finish. Whoever finds a prepared
 * transaction asks its home what became of it; where the home has no decision and no driver, there
 * never will be one. Blocking; one call per transaction.
 */
public final class TransactionDriver {
  private static final Logger log = LoggerFactory.getLogger(TransactionDriver.class);
  private static final int PAUSE_MILLIS_MAX = 64;
  private static final Effect LOCK =
      Effect.newBuilder().setHoldRenameLock(HoldRenameLock.getDefaultInstance()).build();

  private final Placement placement;
  private final GroupPort groups;
  private final TransactionFinisher finisher;
  private final RandomGenerator random;

  /**
   * @param random spreads the pauses of drivers that stand in each other's way
   */
  public TransactionDriver(
      Placement placement, GroupPort groups, TransactionFinisher finisher, RandomGenerator random) {
    this.placement = placement;
    this.groups = groups;
    this.finisher = finisher;
    this.random = random;
  }

  /**
   * Carries out a request.
   *
   * @return the decision's outcome
   * @throws RefusedException with the operation's errno, or BUSY when the deadline came first
   * @throws NotLeaderException when the home has another leader by now: whether it was decided is
   *     open
   */
  public Outcome run(
      DataGroup home,
      Leadership leadership,
      MutateRequest request,
      RequestId requestId,
      Deadline deadline)
      throws RefusedException, NotLeaderException {
    for (int attempt = 0; ; attempt++) {
      Attempt transaction = new Attempt(home, leadership, request, requestId, deadline);
      Optional<Outcome> outcome = transaction.run();
      if (outcome.isPresent()) {
        return outcome.get();
      }
      pause(attempt, deadline);
    }
  }

  private void pause(int attempt, Deadline deadline) throws RefusedException {
    if (deadline.hasPassed()) {
      throw new RefusedException(Refusal.BUSY, "other changes of the same names are under way");
    }
    try {
      TimeUnit.MILLISECONDS.sleep(
          1 + random.nextInt(Math.min(PAUSE_MILLIS_MAX, 2 << Math.min(attempt, 10))));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.BUSY, "the metaserver is stopping");
    }
  }

  /** One try: a transaction of its own. */
  private final class Attempt {
    private final DataGroup home;
    private final Leadership leadership;
    private final MutateRequest request;
    private final RequestId requestId;
    private final Deadline deadline;
    private final int fileSystem;
    private final TransactionId id;
    private final Set<GroupId> prepared = new LinkedHashSet<>();
    private int parts;
    private boolean renameLock;

    Attempt(
        DataGroup home,
        Leadership leadership,
        MutateRequest request,
        RequestId requestId,
        Deadline deadline) {
      this.home = home;
      this.leadership = leadership;
      this.request = request;
      this.requestId = requestId;
      this.deadline = deadline;
      this.fileSystem = request.getTarget().getFileSystem();
      this.id = leadership.beginTransaction();
    }

    /** Empty: something was in the way; look again. */
    Optional<Outcome> run() throws RefusedException, NotLeaderException {
      boolean open = false;
      boolean committed = false;
      try {
        Plan plan = plan();
        if (plan.needsRenameLock()) {
          if (!prepare(
              placement.groupOf(fileSystem, InodeId.ROOT.partition()), List.of(LOCK), null)) {
            return Optional.empty();
          }
          renameLock = true;
          plan = plan();
        }
        Map<GroupId, List<Effect>> byGroup = byGroup(plan);
        List<Effect> ours = byGroup.remove(home.id());
        for (Map.Entry<GroupId, List<Effect>> theirs : byGroup.entrySet()) {
          Chosen chosen = new Chosen();
          if (!prepare(theirs.getKey(), theirs.getValue(), chosen)) {
            return Optional.empty();
          }
          if (chosen.inode != null) {
            plan = plan.withChosen(chosen.placeholder, chosen.inode);
            ours = byGroup(plan).get(home.id());
          }
        }
        open = true;
        Outcome outcome = Waiting.answer(decide(plan, ours == null ? List.of() : ours));
        open = false;
        committed = outcome.getKind() == Outcome.Kind.APPLIED;
        return switch (outcome.getKind()) {
          case CONFLICT, LOCKED -> Optional.empty();
          default -> Optional.of(outcome);
        };
      } catch (CannotPlanYetException e) {
        return Optional.empty();
      } catch (RefusedException e) {
        open = false; // refused before it was in the log
        throw e;
      } finally {
        // While it is open whether the decision is in the log, the next leader will know.
        if (!open) {
          leadership.decided(id);
          finish(committed);
        }
      }
    }

    private Plan plan() throws RefusedException, CannotPlanYetException {
      return Operations.plan(
          request,
          new ClusterSurroundings(
              home,
              leadership,
              placement,
              fileSystem,
              request.getTarget().getSession(),
              request.getTime(),
              groups,
              deadline,
              renameLock));
    }

    private Map<GroupId, List<Effect>> byGroup(Plan plan) throws RefusedException {
      Map<GroupId, List<Effect>> byGroup = new LinkedHashMap<>();
      for (Plan.Step step : plan.steps()) {
        byGroup
            .computeIfAbsent(
                placement.groupOf(fileSystem, step.partition()), g -> new ArrayList<>())
            .add(step.effect());
      }
      return byGroup;
    }

    private boolean prepare(GroupId group, List<Effect> effects, @Nullable Chosen chosen)
        throws RefusedException {
      PrepareTransaction prepare =
          PrepareTransaction.newBuilder()
              .setId(id)
              .setFileSystem(fileSystem)
              .addAllEffects(effects)
              .setPart(parts++)
              .build();
      prepared.add(group); // before asking: when no answer comes it may be prepared all the same
      Outcome outcome =
          Waiting.refusing(
                  groups.ask(
                      group,
                      ParticipateRequest.newBuilder()
                          .setTime(request.getTime())
                          .setPrepare(prepare)
                          .build(),
                      deadline))
              .getOutcome();
      if (chosen != null && outcome.hasInode()) {
        chosen.inode = outcome.getInode();
        chosen.placeholder =
            effects.stream()
                .filter(Effect::hasInsertInode)
                .mapToLong(effect -> effect.getInsertInode().getInode().getId())
                .findFirst()
                .orElseThrow();
      }
      return outcome.getKind() == Outcome.Kind.APPLIED;
    }

    private CompletableFuture<Outcome> decide(Plan plan, List<Effect> ours) {
      Mutation.Builder mutation = TransactionDriver.mutation(plan, request, requestId, ours);
      if (!prepared.isEmpty()) {
        Decision.Builder decision = Decision.newBuilder().setId(id);
        prepared.forEach(group -> decision.addParticipants(group.value()));
        mutation.setDecision(decision);
      }
      return home.propose(leadership, request.getTime(), mutation);
    }

    private void finish(boolean commit) {
      if (prepared.isEmpty()) {
        return;
      }
      FinishTransaction finish = FinishTransaction.newBuilder().setId(id).setCommit(commit).build();
      finisher.finish(home, leadership, finish, List.copyOf(prepared));
      log.debug("transaction {} {}", id, commit ? "committed" : "aborted");
    }
  }

  /** The inode whose id a participant chose. */
  private static final class Chosen {
    long placeholder;
    @Nullable Inode inode;
  }

  /** The home's entry for a plan: its effects, and how to answer. */
  public static Mutation.Builder mutation(
      Plan plan, MutateRequest request, RequestId requestId, List<Effect> effects) {
    Mutation.Builder mutation =
        Mutation.newBuilder()
            .setFileSystem(request.getTarget().getFileSystem())
            .setRequest(requestId)
            .addAllEffects(effects);
    if (plan.replyInode() != null) {
      mutation.setReplyInode(plan.replyInode().value());
    }
    if (plan.replyValue() != null) {
      mutation.setReplyValue(plan.replyValue());
    }
    if (plan.replyParent() != null) {
      mutation.setReplyParent(plan.replyParent().value());
    }
    return mutation;
  }
}
