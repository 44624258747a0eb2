package io.curvefs.metaserver.transaction;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.Decision;
import io.curvefs.proto.FinishTransaction;
import io.curvefs.proto.ForgetTransactions;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.PreparedTransaction;
import io.curvefs.proto.TransactionId;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.RefusalReply;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings decided transactions to their end: tells the participants, then forgets the decision. Also
 * what a new leader resumes: decisions it finds in its rows, and prepared transactions whose driver
 * does not come back. Thread-safe.
 */
public final class TransactionFinisher {
  private static final Logger log = LoggerFactory.getLogger(TransactionFinisher.class);
  private static final Duration FINISH_MAX = Duration.ofSeconds(20);
  private static final int ROWS_PER_ROUND = 1000;

  private final GroupPort groups;

  /** Transactions that are being finished just now. */
  private final Set<TransactionId> finishing = ConcurrentHashMap.newKeySet();

  /**
   * Prepared transactions that the last round saw, by group: old enough to ask about in the next.
   */
  private final Map<GroupId, Set<TransactionId>> seenPrepared = new ConcurrentHashMap<>();

  public TransactionFinisher(GroupPort groups) {
    this.groups = groups;
  }

  /**
   * Tells all participants; returns at once. What cannot be reached now is tried again by {@link
   * #resume}.
   */
  void finish(
      DataGroup home, Leadership leadership, FinishTransaction finish, List<GroupId> participants) {
    if (!finishing.add(finish.getId())) {
      return;
    }
    ParticipateRequest request = ParticipateRequest.newBuilder().setFinish(finish).build();
    Deadline deadline = Deadline.in(FINISH_MAX);
    CompletableFuture.allOf(
            participants.stream()
                .map(participant -> groups.ask(participant, request, deadline))
                .toArray(CompletableFuture[]::new))
        .thenCompose(
            told ->
                finish.getCommit()
                    ? home.propose(leadership, forget(finish.getId()))
                    : CompletableFuture.completedFuture(null))
        .whenComplete(
            (done, failure) -> {
              finishing.remove(finish.getId());
              if (failure != null) {
                log.debug("transaction {} is not finished yet", finish.getId(), failure);
              }
            });
  }

  private static LogEntry forget(TransactionId id) {
    return LogEntry.newBuilder().setForget(ForgetTransactions.newBuilder().addIds(id)).build();
  }

  /**
   * Looks for what was left behind. Called now and then at each group's leader; the second call
   * that finds a transaction prepared asks its home.
   */
  public void resume(DataGroup group, Leadership leadership) {
    for (Row row : group.rows().scan(Keys.decisions(), null, ROWS_PER_ROUND)) {
      Decision decision = Namespace.parse(row.value(), Decision.parser());
      finish(
          group,
          leadership,
          FinishTransaction.newBuilder().setId(decision.getId()).setCommit(true).build(),
          decision.getParticipantsList().stream().map(GroupId::new).toList());
    }
    Map<TransactionId, Boolean> now = new HashMap<>();
    Set<TransactionId> before = seenPrepared.getOrDefault(group.id(), Set.of());
    for (Row row : group.rows().scan(Keys.prepared(), null, ROWS_PER_ROUND)) {
      TransactionId id = Namespace.parse(row.value(), PreparedTransaction.parser()).getId();
      now.put(id, before.contains(id));
    }
    now.forEach(
        (id, old) -> {
          if (old) {
            resolve(group, leadership, id);
          }
        });
    seenPrepared.put(group.id(), Set.copyOf(now.keySet()));
  }

  /** Finishes a prepared transaction as its home says. */
  private void resolve(DataGroup group, Leadership leadership, TransactionId id) {
    groups
        .ask(
            new GroupId(id.getHomeGroup()),
            ParticipateRequest.newBuilder().setStatus(id).build(),
            Deadline.in(FINISH_MAX))
        .thenAccept(
            reply -> {
              ParticipateReply.TransactionStatus status = reply.getStatus();
              if (status == ParticipateReply.TransactionStatus.COMMITTED
                  || status == ParticipateReply.TransactionStatus.ABORTED) {
                boolean commit = status == ParticipateReply.TransactionStatus.COMMITTED;
                log.info("group {}: transaction {} was left prepared; {}", group.id(), id, status);
                group.propose(
                    leadership,
                    LogEntry.newBuilder()
                        .setFinish(FinishTransaction.newBuilder().setId(id).setCommit(commit))
                        .build());
              }
            })
        .exceptionally(
            failure -> {
              if (!(RefusalReply.unwrap(failure) instanceof RefusedException)) {
                log.warn("group {}: cannot resolve transaction {}", group.id(), id, failure);
              }
              return null;
            });
  }
}
