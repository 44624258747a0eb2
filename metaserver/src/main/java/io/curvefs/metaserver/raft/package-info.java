/**
 * Hosting of JRaft groups: proposing, applying, linearizable reads, snapshots. Knows replicas only
 * as functions of log entries.
 */
@NullMarked
package io.curvefs.metaserver.raft;

import org.jspecify.annotations.NullMarked;
