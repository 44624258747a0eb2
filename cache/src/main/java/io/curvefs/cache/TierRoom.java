package io.curvefs.cache;

/**
 * What a tier can take, at this moment.
 *
 * @param bytesMax most bytes it may hold; 0 when the tier does not exist, {@link Long#MAX_VALUE}
 *     when nobody knows
 * @param bytesUsed bytes it holds now, as far as is known
 * @param bytesHeld of these, bytes that are held or pinned, and so make room for nothing
 */
public record TierRoom(long bytesMax, long bytesUsed, long bytesHeld) {
  /** The room of a tier that does not exist. */
  public static final TierRoom NONE = new TierRoom(0, 0, 0);

  public TierRoom {
    if (bytesMax < 0 || bytesUsed < 0 || bytesHeld < 0) {
      throw new IllegalArgumentException("negative room");
    }
  }

  /** Bytes that can come in, giving up everything that is not held. */
  public long bytesObtainable() {
    return Math.max(0, bytesMax - bytesHeld);
  }
}
