/**
 * Work on content that slower places are to take: threads and a bound for what waits. Knows nothing
 * of blocks, tiers or files.
 */
@NullMarked
package io.curvefs.cache.queue;

import org.jspecify.annotations.NullMarked;
