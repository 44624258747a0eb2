/** One mount process: options, wiring, life from mount to unmount. */
@NullMarked
package io.curvefs.client.mount;

import org.jspecify.annotations.NullMarked;
