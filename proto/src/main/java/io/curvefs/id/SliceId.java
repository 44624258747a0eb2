package io.curvefs.id;

/**
 * One contiguous run of bytes that was written once. The upper half is the session that wrote it,
 * the lower half its counter, so that ids are unique in the cluster without asking anybody.
 *
 * @param value not 0; 0 stands for a hole wherever extents are stored
 */
public record SliceId(long value) {
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
    return new SliceId(((long) session.value() << 32) | counter);
  }

  @Override
  public String toString() {
    return Long.toHexString(value);
  }
}
