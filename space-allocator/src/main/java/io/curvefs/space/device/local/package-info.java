/**
 * Plain files and block devices of this host.
 *
 * <p>Must not know: servers.
 */
@NullMarked
package io.curvefs.space.device.local;

import org.jspecify.annotations.NullMarked;
