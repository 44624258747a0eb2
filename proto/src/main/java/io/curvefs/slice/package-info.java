/**
 * How file bytes lie over slices: the pure arithmetic that client and metaserver share. Knows no
 * wire, no store, no clock.
 */
@NullMarked
package io.curvefs.slice;

import org.jspecify.annotations.NullMarked;
