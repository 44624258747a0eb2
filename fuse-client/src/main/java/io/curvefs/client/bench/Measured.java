package io.curvefs.client.bench;

import java.util.List;

/**
 * One item, measured once.
 *
 * @param perSecond bytes for a big file, files for small ones
 * @param latencies of each thread
 * @param cost of the mount's process; nothing where the directory is not on a mount of ours
 */
record Measured(double perSecond, List<Latencies> latencies, MountProbe.Reading cost) {
  /** What several rounds come down to. */
  static Summary summary(List<Measured> rounds) {
    long[] nanos =
        rounds.stream()
            .flatMap(round -> round.latencies.stream())
            .flatMapToLong(Latencies::nanos)
            .sorted()
            .toArray();
    MountProbe.Reading cost =
        rounds.stream()
            .map(Measured::cost)
            .reduce(MountProbe.Reading.NONE, MountProbe.Reading::plus)
            .dividedBy(rounds.size());
    List<Double> rates = rounds.stream().map(Measured::perSecond).toList();
    return new Summary(
        Quantiles.median(rates),
        rates,
        Quantiles.percentile(nanos, 50),
        Quantiles.percentile(nanos, 99),
        cost);
  }

  /**
   * @param perSecond median of the rounds
   * @param rounds each of them
   * @param medianNanos of the operations of all rounds
   * @param p99Nanos likewise
   * @param cost mean of the rounds
   */
  record Summary(
      double perSecond,
      List<Double> rounds,
      long medianNanos,
      long p99Nanos,
      MountProbe.Reading cost) {}
}
