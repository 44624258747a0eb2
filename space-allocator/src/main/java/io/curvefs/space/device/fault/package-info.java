/**
 * Decorators that make a {@link io.curvefs.space.device.BlockDevice} fail, hang, tear or lose
 * writes, and one that notes what was asked of it; for tests.
 *
 * <p>Must not know: which device they wrap. Nothing outside tests and benchmarks may use them.
 */
@NullMarked
package io.curvefs.space.device.fault;

import org.jspecify.annotations.NullMarked;
