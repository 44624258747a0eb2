/**
 * Prefetch of small files whose neighbours in a directory are being read in the order of its
 * listing. Knows numbers of inodes and their order, no names, blocks or handles.
 */
@NullMarked
package io.curvefs.client.siblings;

import org.jspecify.annotations.NullMarked;
