package io.curvefs.client.vfs;

import io.curvefs.id.InodeId;

/**
 * How a file system is shown.
 *
 * @param root the directory that appears as its root
 * @param readOnly refuse every change
 * @param readAheadBytesMax how far a sequential read may be run ahead of
 */
public record VfsOptions(InodeId root, boolean readOnly, long readAheadBytesMax) {}
