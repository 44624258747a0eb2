package io.curvefs.metaserver.reclaim;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Slots;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.LogEntry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Expires the sessions of a group that are over and of which the coordinator will not speak again.
 * A session whose end the group has missed would count as one that may hold anything open, and no
 * orphan would ever be reclaimed.
 */
final class EndedSessions {
  private static final Logger log = LoggerFactory.getLogger(EndedSessions.class);
  private static final int SESSIONS_MAX = 1_000_000;
  private static final int SECONDS_MAX = 10;

  private final Function<SessionId, CompletableFuture<Boolean>> isLive;

  /**
   * @param isLive the coordinator's word. No may only be said by one who asked it after the call: a
   *     session that was admitted before the call was opened before
   */
  EndedSessions(Function<SessionId, CompletableFuture<Boolean>> isLive) {
    this.isLive = isLive;
  }

  void expire(DataGroup group, Leadership leadership) throws RefusedException {
    for (Row row : group.rows().scan(Keys.sessions(), null, SESSIONS_MAX)) {
      SessionId session = new SessionId(Keys.numberOf(row.key()));
      // A row of one that is known to be over was left by an entry that came too late.
      if (Slots.isExpired(group.rows(), session.value()) || !isLive(session)) {
        Proposals.propose(
            group,
            leadership,
            LogEntry.newBuilder()
                .setExpireSession(ExpireSession.newBuilder().setSession(session.value())));
        leadership.opens().forget(session);
        log.info("group {}: session {} is over", group.id(), session);
      }
    }
  }

  private boolean isLive(SessionId session) throws RefusedException {
    try {
      return isLive.apply(session).get(SECONDS_MAX, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new RefusedException(Refusal.BUSY, "the coordinator does not answer: " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.BUSY, "the metaserver is stopping");
    }
  }
}
