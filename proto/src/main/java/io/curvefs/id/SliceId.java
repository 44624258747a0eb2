package io.curvefs.id;

/**
 * A run of bytes that was written once. Ids are unique in the cluster without asking anybody: those
 * of clients are made of the session and its counter, those of a group's leader, which have bit 62
 * set, of the group and the log index of the entry that reserved them.
 *
 * @param value not 0; 0 stands for a hole wherever extents are stored
 */
public record SliceId(long value) {
  private static final int SESSIONS_MAX = 1 << 30;
  private static final int GROUPS_MAX = 1 << 14;
  private static final long LOG_INDEX_MAX = 1L << 48;
  private static final long BY_LEADER = 1L << 62;

  public SliceId {
    if (value == 0) {
      throw new IllegalArgumentException("0 is a hole, not a slice");
    }
  }

  /**
   * The slice that a session names with the n-th number of its counter.
   *
   * @param counter 1 or more, unsigned 32 bits
   */
  public static SliceId of(SessionId session, long counter) {
    if (counter <= 0 || counter > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException("slice counter out of range: " + counter);
    }
    if (session.value() >= SESSIONS_MAX) {
      throw new IllegalArgumentException("session out of range: " + session);
    }
    return new SliceId(((long) session.value() << 32) | counter);
  }

  /** The slice that a group's leader reserved with the entry at this log index. */
  public static SliceId of(GroupId group, long logIndex) {
    if (group.value() >= GROUPS_MAX || logIndex <= 0 || logIndex >= LOG_INDEX_MAX) {
      throw new IllegalArgumentException(
          "slice out of range: group " + group + ", log index " + logIndex);
    }
    return new SliceId(BY_LEADER | ((long) group.value() << 48) | logIndex);
  }

  @Override
  public String toString() {
    return Long.toHexString(value);
  }
}
