/**
 * The ports of the block cache: what a reader may ask ({@link io.curvefs.cache.BlockCache}) and
 * what the cache asks of the object store ({@link io.curvefs.cache.BlockSource}). Knows nothing of
 * tiers, files, inodes or S3.
 */
@NullMarked
package io.curvefs.cache;

import org.jspecify.annotations.NullMarked;
