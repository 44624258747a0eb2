package io.curvefs.client.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Everything that was measured. Owned by the thread that measures. */
final class Results {
  private final Map<Place, Map<Series, List<Measured>>> measured = new HashMap<>();
  private final Map<Series, List<Double>> raw = new HashMap<>();

  /** Where. */
  enum Place {
    DIRECTORY,
    BASELINE
  }

  /** What, and by how many threads. */
  record Series(Item item, int threads) {}

  void add(Place place, Series series, Measured result) {
    measured
        .computeIfAbsent(place, p -> new HashMap<>())
        .computeIfAbsent(series, s -> new ArrayList<>())
        .add(result);
  }

  /** What the object store did with as many bytes, directly before. */
  void addRaw(Series series, double bytesPerSecond) {
    raw.computeIfAbsent(series, s -> new ArrayList<>()).add(bytesPerSecond);
  }

  private List<Measured> rounds(Place place, Series series) {
    return measured.getOrDefault(place, Map.of()).getOrDefault(series, List.of());
  }

  /** Of something that was measured. */
  Measured.Summary summary(Place place, Series series) {
    return Measured.summary(rounds(place, series));
  }

  /** The directory's rate by the baseline's: median of the ratios of each round. */
  OptionalDouble ratioToBaseline(Series series) {
    return ratio(
        rounds(Place.DIRECTORY, series),
        rounds(Place.BASELINE, series).stream().map(Measured::perSecond).toList());
  }

  /** The directory's rate by the object store's: median of the ratios of each round. */
  OptionalDouble ratioToRaw(Series series) {
    return ratio(rounds(Place.DIRECTORY, series), raw.getOrDefault(series, List.of()));
  }

  private static OptionalDouble ratio(List<Measured> rounds, List<Double> others) {
    if (others.isEmpty()) {
      return OptionalDouble.empty();
    }
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < rounds.size(); i++) {
      ratios.add(rounds.get(i).perSecond() / others.get(i));
    }
    return OptionalDouble.of(Quantiles.median(ratios));
  }

  /** Median of the object store's rates, in bytes per second. */
  OptionalDouble raw(Series series) {
    List<Double> rates = raw.getOrDefault(series, List.of());
    return rates.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Quantiles.median(rates));
  }
}
