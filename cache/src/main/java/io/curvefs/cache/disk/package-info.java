/**
 * The disk tier: blocks as checksummed files in one or more directories that survive a restart and
 * may be shared with other processes. Knows nothing of the memory tier or of the object store; its
 * errors never reach a reader.
 */
@NullMarked
package io.curvefs.cache.disk;

import org.jspecify.annotations.NullMarked;
