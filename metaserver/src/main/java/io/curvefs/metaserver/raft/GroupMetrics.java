package io.curvefs.metaserver.raft;

import io.curvefs.proto.LogEntry;

/** Counts what a group does. Thread-safe. */
@FunctionalInterface
public interface GroupMetrics {
  /** An entry that this server proposed was applied. */
  void applied(LogEntry.BodyCase kind);
}
