/**
 * The header by which a device is known to be a volume of a file system.
 *
 * <p>Must not know: drivers, block groups, metaservers.
 */
@NullMarked
package io.curvefs.space.volume;

import org.jspecify.annotations.NullMarked;
