/**
 * The front end through jnr-fuse and libfuse 2's inode API: inodes in, inodes out, no paths. The
 * only code that knows libfuse.
 */
@NullMarked
package io.curvefs.client.fuse.jnr;

import org.jspecify.annotations.NullMarked;
