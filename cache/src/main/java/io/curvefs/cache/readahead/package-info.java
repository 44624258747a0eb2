/**
 * Pure: from the reads of one open file to the byte range worth fetching next. Knows nothing of
 * blocks, caches, clocks or threads.
 */
@NullMarked
package io.curvefs.cache.readahead;

import org.jspecify.annotations.NullMarked;
