package io.curvefs.client.accesslog;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the requests of a log come to, by operation or by who made them. One thread. */
public final class AccessProfile {
  /** Keys that are told apart; all later ones are one together. */
  static final int KEYS_MAX = 100_000;

  static final String OTHERS = "others";

  private final By by;
  private final Map<String, Durations> durations = new HashMap<>();
  private long records;
  private long malformed;

  /** What requests are told apart by. */
  public enum By {
    OP,
    UID,
    PID,
    INODE;

    private String key(AccessRecord access) {
      return switch (this) {
        case OP -> access.operation();
        case UID -> Long.toString(access.uid());
        case PID -> Long.toString(access.pid());
        case INODE -> Long.toString(access.inode());
      };
    }
  }

  /**
   * The requests of one key.
   *
   * @param averageMicros mean time of one
   * @param p99Micros the time that 99 of 100 did not exceed, at most 3 % too high
   * @param totalSeconds time of all
   * @param sharePercent of the time of all requests of the profile
   */
  public record Line(
      String key,
      long count,
      double averageMicros,
      long p99Micros,
      double totalSeconds,
      double sharePercent) {}

  public AccessProfile(By by) {
    this.by = by;
  }

  /** Takes in a line of a log; one that is none of ours counts as malformed. */
  public void add(String line) {
    AccessRecord.parse(line).ifPresentOrElse(this::add, this::addMalformed);
  }

  public void addMalformed() {
    malformed++;
  }

  public void add(AccessRecord access) {
    records++;
    String key = by.key(access);
    if (durations.size() >= KEYS_MAX && !durations.containsKey(key)) {
      key = OTHERS;
    }
    durations.computeIfAbsent(key, k -> new Durations()).add(access.micros());
  }

  /** Requests that were taken in. */
  public long records() {
    return records;
  }

  /** Lines that could not be understood. */
  public long malformed() {
    return malformed;
  }

  /**
   * Those with the most time first.
   *
   * @param top at most so many
   */
  public List<Line> lines(int top) {
    double total = Math.max(1, durations.values().stream().mapToLong(Durations::total).sum());
    return durations.entrySet().stream()
        .map(
            entry -> {
              Durations all = entry.getValue();
              return new Line(
                  entry.getKey(),
                  all.count(),
                  (double) all.total() / all.count(),
                  all.percentile(99),
                  all.total() / 1e6,
                  all.total() * 100 / total);
            })
        .sorted(Comparator.comparingDouble(Line::totalSeconds).reversed().thenComparing(Line::key))
        .limit(top)
        .toList();
  }
}
