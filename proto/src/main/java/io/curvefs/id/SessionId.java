package io.curvefs.id;

/**
 * A client's registration with the coordinator. Never used twice.
 *
 * @param value 1 or more
 */
public record SessionId(int value) {
  public SessionId {
    if (value <= 0) {
      throw new IllegalArgumentException("not a session id: " + value);
    }
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
