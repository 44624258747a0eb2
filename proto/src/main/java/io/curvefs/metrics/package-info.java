/**
 * The meters of a process: their values by name, and the endpoint that Prometheus reads. Knows
 * nothing of what is metered, but for the process itself.
 */
@NullMarked
package io.curvefs.metrics;

import org.jspecify.annotations.NullMarked;
