package io.curvefs.metaserver.store;

import io.curvefs.proto.LogEntry;

/**
 * A replicated state machine: rows in, rows out.
 *
 * @param <O> what it answers
 */
@FunctionalInterface
public interface Replica<O> {
  /**
   * Applies a committed entry. Called by one thread, in log order, on every server of the group:
   * the result may depend on the rows and the entry only.
   *
   * @param index of the entry in the log
   * @param rows what entries before this one left; changes go here
   * @throws IllegalStateException when an invariant is broken: the replica stops
   */
  O apply(LogEntry entry, long index, WriteSet rows);
}
