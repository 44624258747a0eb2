/**
 * What the bytes of a file are to the VFS, wherever they are kept, and what the ways of keeping
 * them share: written bytes in memory, and who reads in which sequence. Must not know objects,
 * volumes, names, or FUSE.
 */
@NullMarked
package io.curvefs.client.content;

import org.jspecify.annotations.NullMarked;
