package io.curvefs.id;

/**
 * A metaserver.
 *
 * @param value 1 or more
 */
public record ServerId(int value) {
  public ServerId {
    if (value <= 0) {
      throw new IllegalArgumentException("not a server id: " + value);
    }
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
