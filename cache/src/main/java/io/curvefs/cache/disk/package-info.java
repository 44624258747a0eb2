/**
 * The disk tier: blocks as checksummed files in one directory that survive a restart. Knows nothing
 * of the memory tier or of the object store; its errors never reach a reader.
 */
@NullMarked
package io.curvefs.cache.disk;

import org.jspecify.annotations.NullMarked;
