/**
 * The functions of libc that the drivers call, and native memory.
 *
 * <p>Must not know: devices.
 */
@NullMarked
package io.curvefs.space.device.posix;

import org.jspecify.annotations.NullMarked;
