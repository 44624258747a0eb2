package io.curvefs.metaserver.coordinator;

import io.curvefs.id.SessionId;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * When each session was last heard of, as the coordinator's leader knows it. A new leader gives
 * every session a whole lease: an expiry comes late, never early. Thread-safe.
 */
final class SessionLeases {
  private final Duration lease;
  private final LongSupplier nanoTime;
  private final Map<SessionId, Long> heard = new ConcurrentHashMap<>();

  /**
   * @param nanoTime the monotonic clock, {@link System#nanoTime} outside of tests
   */
  SessionLeases(Duration lease, LongSupplier nanoTime, Collection<SessionId> live) {
    this.lease = lease;
    this.nanoTime = nanoTime;
    live.forEach(this::renew);
  }

  void renew(SessionId session) {
    heard.put(session, nanoTime.getAsLong());
  }

  void end(SessionId session) {
    heard.remove(session);
  }

  int count() {
    return heard.size();
  }

  List<SessionId> expired() {
    long now = nanoTime.getAsLong();
    return heard.entrySet().stream()
        .filter(entry -> now - entry.getValue() > lease.toNanos())
        .map(Map.Entry::getKey)
        .toList();
  }
}
