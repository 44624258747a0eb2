/**
 * The wall clock as a value that tests can set. Nothing that decides correctness may depend on it.
 */
@NullMarked
package io.curvefs.time;

import org.jspecify.annotations.NullMarked;
