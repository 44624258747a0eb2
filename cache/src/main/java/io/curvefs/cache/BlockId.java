package io.curvefs.cache;

/**
 * Names one block: up to 4 MiB of file data that are written once and never changed.
 *
 * @param slice id of the slice that the block belongs to, 0 or more
 * @param index position of the block within its slice, 0 or more
 * @param length bytes of the whole block, 1 to {@link #BYTES_MAX}
 */
public record BlockId(long slice, int index, int length) {
  /** The longest block: 4 MiB. */
  public static final int BYTES_MAX = 4 << 20;

  public BlockId {
    if (slice < 0 || index < 0 || length < 1 || length > BYTES_MAX) {
      throw new IllegalArgumentException("not a block: " + slice + "_" + index + "_" + length);
    }
  }

  /** The block's name in file names and logs: {@code <slice>_<index>_<length>}, decimal. */
  @Override
  public String toString() {
    return slice + "_" + index + "_" + length;
  }
}
