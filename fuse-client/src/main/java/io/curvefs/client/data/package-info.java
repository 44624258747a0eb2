/**
 * Bytes of open files: gathering writes into slices, reading through the cache, read-ahead. Knows
 * inodes and extents, no names.
 */
@NullMarked
package io.curvefs.client.data;

import org.jspecify.annotations.NullMarked;
