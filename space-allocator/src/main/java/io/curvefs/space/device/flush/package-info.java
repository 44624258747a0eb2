/**
 * What a flush promises: callers that share one, and writes that a failure may have lost.
 *
 * <p>Must not know: how a device flushes.
 */
@NullMarked
package io.curvefs.space.device.flush;

import org.jspecify.annotations.NullMarked;
