/**
 * Raft group 0: file systems, sessions, servers, groups, and the jobs that create and delete file
 * systems.
 */
@NullMarked
package io.curvefs.metaserver.coordinator;

import org.jspecify.annotations.NullMarked;
