package io.curvefs.space;

/**
 * A volume, among all that the cluster knows.
 *
 * @param value 1 to 32,767: so the address of a block is a positive long, which sorts as it is, and
 *     0 is left to say "none"
 */
public record VolumeNumber(int value) implements Comparable<VolumeNumber> {
  /** The largest number a volume can have. */
  public static final int VALUE_MAX = Short.MAX_VALUE;

  public VolumeNumber {
    if (value <= 0 || value > VALUE_MAX) {
      throw new IllegalArgumentException("not a volume number: " + value);
    }
  }

  @Override
  public int compareTo(VolumeNumber other) {
    return Integer.compare(value, other.value);
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
