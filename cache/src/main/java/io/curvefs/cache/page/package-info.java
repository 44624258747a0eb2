/**
 * The one memory budget: direct memory in pages of 64 KiB, and reference-counted content held in
 * them. Knows nothing of blocks, caches or files.
 */
@NullMarked
package io.curvefs.cache.page;

import org.jspecify.annotations.NullMarked;
