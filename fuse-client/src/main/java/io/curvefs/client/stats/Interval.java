package io.curvefs.client.stats;

import java.util.Map;

/**
 * What went on between two readings of counters.
 *
 * @param before values by {@code name{tag=value}}
 * @param after the same, later
 * @param seconds between them, more than 0
 */
public record Interval(Map<String, Double> before, Map<String, Double> after, double seconds) {
  private static final String STARTED = "process.start.time.seconds";

  public Interval {
    if (!(seconds > 0)) {
      throw new IllegalArgumentException("an interval of " + seconds + " s");
    }
    before = Map.copyOf(before);
    after = Map.copyOf(after);
  }

  /** Whether the readings are of two processes: then their difference says nothing. */
  public boolean isRestarted() {
    return !now(STARTED, before).equals(now(STARTED, after));
  }

  private static Double now(String name, Map<String, Double> values) {
    return values.getOrDefault(name, Double.NaN);
  }

  /** A value at the end; not a number when there is none. */
  public double now(String name) {
    return now(name, after);
  }

  /**
   * By how much a counter grew, all its tags together. One that appeared meanwhile counts from 0.
   *
   * @return not a number when there is no such counter, or it went back
   */
  public double growth(String counter) {
    double sum = Double.NaN;
    for (Map.Entry<String, Double> value : after.entrySet()) {
      if (isOf(counter, value.getKey())) {
        double grown = value.getValue() - before.getOrDefault(value.getKey(), 0.0);
        sum = Double.isNaN(sum) ? grown : sum + grown;
      }
    }
    return sum < 0 ? Double.NaN : sum;
  }

  private static boolean isOf(String counter, String name) {
    return name.startsWith(counter)
        && (name.length() == counter.length() || name.charAt(counter.length()) == '{');
  }

  public double perSecond(String counter) {
    return growth(counter) / seconds;
  }

  /** Mean milliseconds of a timer's events; not a number when there were none. */
  public double meanMillis(String timer) {
    double events = growth(timer);
    return events > 0 ? growth(timer + ".seconds") * 1000 / events : Double.NaN;
  }

  /** How many of a hundred reads a cache tier answered; not a number when there were none. */
  public double hitPercent(String tier) {
    double hits = growth("curvefs.cache.hits{tier=" + tier + "}");
    double reads = hits + growth("curvefs.cache.misses{tier=" + tier + "}");
    return reads > 0 ? hits * 100 / reads : Double.NaN;
  }
}
