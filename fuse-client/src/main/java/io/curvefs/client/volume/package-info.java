/**
 * Bytes of open files that lie on volumes: gathering writes in memory, reserving space, writing and
 * reading blocks in place. Knows inodes and blocks, no names. Which blocks are whose, the
 * metaservers say.
 */
@NullMarked
package io.curvefs.client.volume;

import org.jspecify.annotations.NullMarked;
