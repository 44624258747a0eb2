/**
 * What the port to a volume promises, as tests; a device in memory that keeps the promise; and the
 * servers and loop devices that tests open.
 *
 * <p>Must not know: drivers.
 */
@NullMarked
package io.curvefs.space.device.testing;

import org.jspecify.annotations.NullMarked;
