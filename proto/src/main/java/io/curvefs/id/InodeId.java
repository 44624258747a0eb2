package io.curvefs.id;

/**
 * An inode number, as stat(2) shows it. The upper bits name the partition of the file system that
 * the inode lives in, so that a request finds its server without asking.
 *
 * @param value 1 or more; unsigned values beyond {@link Long#MAX_VALUE} do not occur
 */
public record InodeId(long value) implements Comparable<InodeId> {
  /** Inode ids of one partition: 2^36 of them. */
  public static final int PARTITION_SHIFT = 36;

  /** The root directory of every file system. */
  public static final InodeId ROOT = new InodeId(1);

  public InodeId {
    if (value <= 0) {
      throw new IllegalArgumentException("not an inode id: " + value);
    }
  }

  /** Index of the partition within its file system, 0 or more. */
  public int partition() {
    return (int) (value >>> PARTITION_SHIFT);
  }

  @Override
  public int compareTo(InodeId other) {
    return Long.compare(value, other.value);
  }

  @Override
  public String toString() {
    return Long.toString(value);
  }
}
