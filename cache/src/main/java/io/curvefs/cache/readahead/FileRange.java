package io.curvefs.cache.readahead;

/**
 * Bytes of a file.
 *
 * @param offset 0 or more
 * @param length 1 or more
 */
public record FileRange(long offset, long length) {
  public FileRange {
    if (offset < 0 || length < 1) {
      throw new IllegalArgumentException("bad range: " + offset + "+" + length);
    }
    Math.addExact(offset, length); // the end must be addressable too
  }

  /** The first byte behind the range. */
  public long end() {
    return offset + length;
  }
}
