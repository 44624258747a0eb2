/**
 * Names of places on block volumes: volumes, block groups, ranges of blocks. Pure values, which
 * metaserver and client share. Knows nothing of who owns a block, nor of devices.
 */
@NullMarked
package io.curvefs.space;

import org.jspecify.annotations.NullMarked;
