/**
 * What devices behind a server share: connections that carry many commands at once, are lost and
 * made anew.
 *
 * <p>Must not know: protocols.
 */
@NullMarked
package io.curvefs.space.device.remote;

import org.jspecify.annotations.NullMarked;
