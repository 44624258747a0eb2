/**
 * Decorators that make an {@link io.curvefs.objectstore.ObjectStore} fail, hang, damage or delay,
 * for tests.
 *
 * <p>Must not know: which store they wrap. Nothing outside tests and benchmarks may use them.
 */
@NullMarked
package io.curvefs.objectstore.fault;

import org.jspecify.annotations.NullMarked;
