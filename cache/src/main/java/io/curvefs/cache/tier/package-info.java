/**
 * The composition: memory, then disk, then memcached, then the source, with one load per block
 * however many ask. Knows nothing of file formats or of how a tier chooses what to evict.
 */
@NullMarked
package io.curvefs.cache.tier;

import org.jspecify.annotations.NullMarked;
