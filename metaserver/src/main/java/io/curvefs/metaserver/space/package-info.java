/**
 * The free blocks of the block groups that a raft group holds, as its leader deals them out. Knows
 * the rows it is made from; no raft, no requests, no coordinator.
 */
@NullMarked
package io.curvefs.metaserver.space;

import org.jspecify.annotations.NullMarked;
