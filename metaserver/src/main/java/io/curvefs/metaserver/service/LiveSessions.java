package io.curvefs.metaserver.service;

import io.curvefs.id.SessionId;
import java.util.concurrent.CompletableFuture;

/** The coordinator's word on sessions. */
@FunctionalInterface
public interface LiveSessions {
  /**
   * Whether the session has a lease. Yes may be a moment old. No is the coordinator's answer to a
   * question asked after the call; a session that has no lease will never have one again.
   */
  CompletableFuture<Boolean> isLive(SessionId session);
}
