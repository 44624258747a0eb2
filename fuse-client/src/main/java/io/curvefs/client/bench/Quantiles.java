package io.curvefs.client.bench;

import java.util.List;

/** What a run of numbers comes down to. */
public final class Quantiles {
  private Quantiles() {}

  /** The middle one; of an even number the mean of both middle ones; of none 0. */
  public static double median(List<Double> values) {
    if (values.isEmpty()) {
      return 0;
    }
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  /**
   * The smallest value that so many percent of all do not exceed (nearest rank); of none 0.
   *
   * @param percent 1 to 100
   */
  static long percentile(long[] sorted, int percent) {
    if (sorted.length == 0) {
      return 0;
    }
    int rank = (int) (((long) sorted.length * percent + 99) / 100);
    return sorted[Math.max(rank, 1) - 1];
  }
}
