/**
 * Bits, one per block, and their stored form. Pure. Knows nothing of volumes and groups, nor where
 * its bytes are kept.
 */
@NullMarked
package io.curvefs.space.bitmap;

import org.jspecify.annotations.NullMarked;
