package io.curvefs.slice;

/** The fixed sizes of the data path. Part of the stored format: they never change. */
public final class Layout {
  /** Bytes of a file that one chunk row describes. */
  public static final int CHUNK_BYTES = 64 << 20;

  /** Most bytes of one object. */
  public static final int BLOCK_BYTES = 4 << 20;

  /** Largest file: every chunk index fits 31 bits, with room to spare. */
  public static final long FILE_BYTES_MAX = 1L << 56;

  private Layout() {}

  /** Index of the chunk that holds the byte at this file offset. */
  public static int chunkIndex(long offset) {
    return Math.toIntExact(offset / CHUNK_BYTES);
  }

  /** Offset within its chunk of the byte at this file offset. */
  public static int chunkOffset(long offset) {
    return (int) (offset % CHUNK_BYTES);
  }

  /** Number of chunks, holes included, of a file of this length. */
  public static int chunkCount(long length) {
    return Math.toIntExact((length + CHUNK_BYTES - 1) / CHUNK_BYTES);
  }

  /** Number of objects of a slice. */
  public static int blockCount(int sliceLength) {
    return (sliceLength + BLOCK_BYTES - 1) / BLOCK_BYTES;
  }

  /** Bytes of one object of a slice: full blocks, then the rest. */
  public static int blockLength(int sliceLength, int blockIndex) {
    return Math.min(BLOCK_BYTES, sliceLength - blockIndex * BLOCK_BYTES);
  }
}
