package io.curvefs.metaserver.raft;

/**
 * Where a replica of a group stands.
 *
 * @param leads whether it leads
 * @param term the newest one in which it led or followed; 0 before the first
 * @param lastIndex of its log
 * @param committedIndex that a majority has, as far as it knows
 * @param appliedIndex whose rows are in its store
 */
public record GroupPosition(
    boolean leads, long term, long lastIndex, long committedIndex, long appliedIndex) {}
