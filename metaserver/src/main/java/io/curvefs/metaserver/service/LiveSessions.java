package io.curvefs.metaserver.service;

import io.curvefs.id.SessionId;
import java.util.concurrent.CompletableFuture;

/** The coordinator's word on sessions. */
@FunctionalInterface
public interface LiveSessions {
  /** Whether the session has a lease now. A session that has none will never have one again. */
  CompletableFuture<Boolean> isLive(SessionId session);
}
