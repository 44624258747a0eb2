/**
 * The front end through jnr-fuse and libfuse 2: paths in, inodes out. The only code that knows
 * libfuse.
 */
@NullMarked
package io.curvefs.client.fuse.jnr;

import org.jspecify.annotations.NullMarked;
