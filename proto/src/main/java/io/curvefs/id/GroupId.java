package io.curvefs.id;

/**
 * A raft group. Group 0 is the coordinator, the others hold partitions.
 *
 * @param value 0 or more
 */
public record GroupId(int value) {
  public GroupId {
    if (value < 0) {
      throw new IllegalArgumentException("not a group id: " + value);
    }
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
