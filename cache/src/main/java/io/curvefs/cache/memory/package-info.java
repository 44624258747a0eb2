/**
 * The memory tier: which blocks stay in pages, and which go when pages run out. Knows nothing of
 * disks or of the object store.
 */
@NullMarked
package io.curvefs.cache.memory;

import org.jspecify.annotations.NullMarked;
