/**
 * Defragmenting the files of a file system on volumes: walking its tree, counting the pieces that
 * files lie in, and telling what became of each that was to be moved. Moves blocks through {@link
 * io.curvefs.client.volume.Mover}. Knows neither FUSE nor commands.
 */
@NullMarked
package io.curvefs.client.defrag;

import org.jspecify.annotations.NullMarked;
