package io.curvefs.space.group;

/**
 * A number for each of many places, and which place is the first or last with at least so much: a
 * tree of maxima, so that neither asking nor changing looks at all places. Not thread-safe.
 */
final class RunIndex {
  static final int NONE = -1;

  /** The root is 1, the children of i are 2i and 2i+1; place i is the leaf {@code leaves + i}. */
  private final int[] maxima;

  private final int leaves;

  /** All numbers are 0 at first. */
  RunIndex(int places) {
    leaves = Integer.highestOneBit(Math.max(1, 2 * places - 1));
    maxima = new int[2 * leaves];
  }

  void set(int place, int value) {
    int node = leaves + place;
    maxima[node] = value;
    for (node >>= 1; node > 0; node >>= 1) {
      int max = Math.max(maxima[2 * node], maxima[2 * node + 1]);
      if (maxima[node] == max) {
        return;
      }
      maxima[node] = max;
    }
  }

  /** The greatest number. */
  int max() {
    return maxima[1];
  }

  /**
   * The first place with at least so much, or {@link #NONE}.
   *
   * @param value 1 or more
   */
  int first(int value) {
    if (max() < value) {
      return NONE;
    }
    int node = 1;
    while (node < leaves) {
      node = maxima[2 * node] >= value ? 2 * node : 2 * node + 1;
    }
    return node - leaves;
  }

  /**
   * The last place with at least so much, or {@link #NONE}.
   *
   * @param value 1 or more
   */
  int last(int value) {
    if (max() < value) {
      return NONE;
    }
    int node = 1;
    while (node < leaves) {
      node = maxima[2 * node + 1] >= value ? 2 * node + 1 : 2 * node;
    }
    return node - leaves;
  }
}
