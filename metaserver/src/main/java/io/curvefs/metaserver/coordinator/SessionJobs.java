package io.curvefs.metaserver.coordinator;

import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.transaction.GroupPort;
import io.curvefs.proto.CloseSession;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.ForgetSession;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.Session;
import io.curvefs.rpc.Deadline;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends sessions whose lease has run out, and tells the groups of every session that has ended.
 * Never waits for a bucket. All of it runs on one thread; a new leader goes on from the tables.
 */
public final class SessionJobs implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SessionJobs.class);
  private static final Duration TICK = Duration.ofSeconds(1);

  /** A group that does not answer for so long is not asked again in the same round. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(5);

  private final Coordinator coordinator;
  private final Steps steps;
  private final ScheduledExecutorService thread;

  /**
   * @param thread of its own; closed with this
   */
  public SessionJobs(
      Coordinator coordinator, GroupPort groups, WallClock clock, ScheduledExecutorService thread) {
    this.coordinator = coordinator;
    this.steps = new Steps(coordinator, groups, clock);
    this.thread = thread;
  }

  public void start() {
    thread.scheduleWithFixedDelay(this::tick, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** A session has ended: do not wait for the next tick. */
  void wake() {
    thread.execute(this::tick);
  }

  private void tick() {
    Coordinator.Reign reign = coordinator.reign();
    if (reign != null) {
      Steps.attempt("sessions", () -> endAll(reign));
    }
  }

  private void endAll(Coordinator.Reign reign) {
    CoordinatorTables tables = coordinator.tables();
    if (!tables.isFormed()) {
      return;
    }
    for (SessionId session : reign.leases().expired()) {
      Steps.attempt("session " + session, () -> close(reign, session));
    }
    Set<Integer> silent = new HashSet<>();
    for (Session ended : tables.endedSessions()) {
      Steps.attempt(
          "session " + ended.getId(), () -> tellGroups(reign, tables, ended.getId(), silent));
    }
  }

  private void close(Coordinator.Reign reign, SessionId session) throws IOException {
    log.info("session {} has not been heard of for {}: it is over", session, Coordinator.LEASE);
    steps.propose(
        reign,
        CoordinatorChange.newBuilder()
            .setCloseSession(CloseSession.newBuilder().setId(session.value())));
    reign.leases().end(session);
  }

  /**
   * Tells all groups at once; forgets the session when all have heard.
   *
   * @param silent groups that did not answer in this round; those that do not now are added
   */
  private void tellGroups(
      Coordinator.Reign reign, CoordinatorTables tables, int session, Set<Integer> silent)
      throws IOException {
    Deadline deadline = Deadline.in(ANSWER_MAX);
    Map<Integer, CompletableFuture<ParticipateReply>> asked = new LinkedHashMap<>();
    boolean allHeard = true;
    for (GroupInfo group : tables.groups()) {
      if (silent.contains(group.getId())) {
        allHeard = false;
      } else {
        asked.put(
            group.getId(),
            steps.ask(
                group.getId(),
                ParticipateRequest.newBuilder()
                    .setExpireSession(ExpireSession.newBuilder().setSession(session)),
                deadline));
      }
    }
    for (Map.Entry<Integer, CompletableFuture<ParticipateReply>> answer : asked.entrySet()) {
      try {
        Steps.await(answer.getValue(), deadline);
      } catch (RefusedException e) {
        log.info("group {} will hear of its sessions later: {}", answer.getKey(), e.getMessage());
        silent.add(answer.getKey());
        allHeard = false;
      }
    }
    if (allHeard) {
      steps.propose(
          reign,
          CoordinatorChange.newBuilder()
              .setForgetSession(ForgetSession.newBuilder().setId(session)));
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
