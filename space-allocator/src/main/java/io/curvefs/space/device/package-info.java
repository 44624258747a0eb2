/**
 * The port to a volume: blocks that are read, written, flushed and discarded.
 *
 * <p>Must not know: its drivers, and what the blocks mean.
 */
@NullMarked
package io.curvefs.space.device;

import org.jspecify.annotations.NullMarked;
