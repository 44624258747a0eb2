/**
 * NBD exports, by libnbd.
 *
 * <p>Must not know: how lost connections are replaced.
 */
@NullMarked
package io.curvefs.space.device.nbd;

import org.jspecify.annotations.NullMarked;
