/** From a URI to a device: the one place that knows all drivers. */
@NullMarked
package io.curvefs.space.device.open;

import org.jspecify.annotations.NullMarked;
