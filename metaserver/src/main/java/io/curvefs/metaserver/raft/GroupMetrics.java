package io.curvefs.metaserver.raft;

import io.curvefs.proto.LogEntry;

/** Counts and times what a group does. Thread-safe. Times are in nanoseconds. */
@FunctionalInterface
public interface GroupMetrics {
  /** An entry that this server proposed was applied. */
  void applied(LogEntry.BodyCase kind);

  /** An entry that this server proposed was answered, so long after it was proposed. */
  default void committed(long nanos) {}

  /** Entries that came together are in the store. */
  default void batchApplied(long nanos) {}

  /** Entries that came together are in the log on disk: one fsync. */
  default void logWritten(long nanos) {}
}
