package io.curvefs.metaserver.coordinator;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.transaction.GroupPort;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps that the coordinator's long work is made of. Each wait has a bound, and one piece of
 * work that fails does not end the others. Thread-safe.
 */
final class Steps {
  private static final Logger log = LoggerFactory.getLogger(Steps.class);
  private static final Duration PROPOSAL_MAX = Duration.ofSeconds(20);

  private final Coordinator coordinator;
  private final GroupPort groups;
  private final WallClock clock;

  Steps(Coordinator coordinator, GroupPort groups, WallClock clock) {
    this.coordinator = coordinator;
    this.groups = groups;
    this.clock = clock;
  }

  /** Part of the work, to be repeated in a later round when it fails. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  /**
   * @param what is worked at, for the log
   * @return whether it went well
   */
  static boolean attempt(String what, Work work) {
    try {
      work.run();
      return true;
    } catch (RefusedException e) {
      log.info("{}: the coordinator will go on later: {}", what, e.getMessage());
    } catch (IOException | RuntimeException e) {
      log.warn("{}: the coordinator's work is held up; it will be tried again", what, e);
    }
    return false;
  }

  /** Asks a group's leader; does not wait. */
  CompletableFuture<ParticipateReply> ask(
      int group, ParticipateRequest.Builder request, Deadline deadline) {
    return groups.ask(new GroupId(group), request.setTime(clock.now()).build(), deadline);
  }

  /** Changes the coordinator's tables, and waits for it. */
  CoordinatorOutcome propose(Coordinator.Reign reign, CoordinatorChange.Builder change)
      throws IOException {
    return await(coordinator.propose(reign, change), Deadline.in(PROPOSAL_MAX));
  }

  static <T> T await(CompletableFuture<T> answer, Deadline deadline) throws IOException {
    try {
      return answer.get(deadline.left().toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      if (RefusalReply.unwrap(e) instanceof IOException refused) {
        throw refused;
      }
      throw new RefusedException(Refusal.BUSY, "the leader changes");
    } catch (TimeoutException e) {
      throw new RefusedException(Refusal.TIMED_OUT, "no answer in time");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.BUSY, "the metaserver is stopping");
    }
  }
}
