/**
 * How block groups come to a raft group and go back to the coordinator, which is reached through
 * one port. Knows no request of a client.
 */
@NullMarked
package io.curvefs.metaserver.supply;

import org.jspecify.annotations.NullMarked;
