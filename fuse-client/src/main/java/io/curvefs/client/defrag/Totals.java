package io.curvefs.client.defrag;

import io.curvefs.space.VolumeLayout;

/**
 * How the files of a file system lie, added up.
 *
 * @param files regular ones, however many names they have
 * @param fragmentedFiles with a chunk in more than one piece
 * @param extents pieces of files
 * @param bytes of their blocks
 * @param bytesToMove of the chunks that lie in more than one piece
 */
public record Totals(long files, long fragmentedFiles, long extents, long bytes, long bytesToMove) {
  static final Totals NONE = new Totals(0, 0, 0, 0, 0);

  private static final double GIB = 1 << 30;

  Totals plus(FileLayout file) {
    return new Totals(
        files + 1,
        fragmentedFiles + (file.fragmented().isEmpty() ? 0 : 1),
        extents + file.pieces(),
        bytes + file.blocks() * VolumeLayout.BLOCK_BYTES,
        bytesToMove + file.blocksToMove() * VolumeLayout.BLOCK_BYTES);
  }

  public double extentsPerGib() {
    return bytes == 0 ? 0 : extents / (bytes / GIB);
  }
}
