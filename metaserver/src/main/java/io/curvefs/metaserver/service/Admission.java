package io.curvefs.metaserver.service;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Slots;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.LogEntry;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Lets sessions into a group before they change or open anything in it. A session that the
 * coordinator has ended is never let in again, so requests of it that were under way are refused
 * for ever.
 */
final class Admission {
  private final LiveSessions liveSessions;

  Admission(LiveSessions liveSessions) {
    this.liveSessions = liveSessions;
  }

  static boolean isAdmitted(DataGroup group, SessionId session) {
    return Slots.isAdmitted(group.rows(), session.value());
  }

  /** Completes once the session is admitted; fails with SESSION_EXPIRED when it has ended. */
  CompletableFuture<@Nullable Void> admit(
      DataGroup group, Leadership leadership, SessionId session) {
    if (isAdmitted(group, session)) {
      return CompletableFuture.completedFuture(null);
    }
    if (Slots.isExpired(group.rows(), session.value())) {
      return refused(session);
    }
    return liveSessions
        .isLive(session)
        .thenCompose(
            live -> {
              if (!live) {
                return refused(session);
              }
              LogEntry entry =
                  LogEntry.newBuilder()
                      .setAdmitSession(AdmitSession.newBuilder().setSession(session.value()))
                      .build();
              // It may have ended since it was said to be live.
              return group
                  .propose(leadership, entry)
                  .thenCompose(
                      done ->
                          isAdmitted(group, session)
                              ? CompletableFuture.completedFuture(null)
                              : refused(session));
            });
  }

  private static CompletableFuture<@Nullable Void> refused(SessionId session) {
    return CompletableFuture.failedFuture(
        new RefusedException(Refusal.SESSION_EXPIRED, "session " + session + " has expired"));
  }
}
