package io.curvefs.id;

/**
 * A file system of the cluster.
 *
 * @param value 1 or more
 */
public record FileSystemId(int value) {
  public FileSystemId {
    if (value <= 0) {
      throw new IllegalArgumentException("not a file system id: " + value);
    }
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
