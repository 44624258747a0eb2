/**
 * From two readings of counters to what went on between them, a line for people. Knows nothing of
 * mounts, clocks, terminals.
 */
@NullMarked
package io.curvefs.client.stats;

import org.jspecify.annotations.NullMarked;
