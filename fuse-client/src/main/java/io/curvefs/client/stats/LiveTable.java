package io.curvefs.client.stats;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A mount's counters as a line for each interval, in groups of columns, after dstat(1). Groups of
 * what not every mount does are left out until there is something to tell.
 */
public final class LiveTable {
  /** What stands where there is nothing to tell. */
  private static final String NOTHING = "-";

  private static final String UNITS = "KMGTP";
  private static final int STEP = 1024;

  private record Column(String title, int width, Function<Interval, String> cell) {}

  /**
   * @param shown whether there is anything to tell
   */
  private record Group(String title, Predicate<Interval> shown, List<Column> columns) {
    Group(String title, List<Column> columns) {
      this(title, interval -> true, columns);
    }

    int width() {
      return columns.stream().mapToInt(Column::width).sum() + columns.size() - 1;
    }
  }

  private static final List<Group> COMMON =
      List.of(
          new Group(
              "usage",
              List.of(
                  new Column("cpu%", 5, i -> number(i.perSecond("process.cpu.seconds") * 100)),
                  new Column("mem", 5, i -> size(i.now("process.resident.memory.bytes"))))),
          new Group(
              "fuse",
              List.of(
                  rate("ops", "curvefs.fuse.operations"),
                  millis("ms", "curvefs.fuse.operations"),
                  bytes("read", "curvefs.fuse.bytes.read"),
                  bytes("write", "curvefs.fuse.bytes.written"))),
          new Group(
              "meta",
              List.of(rate("ops", "curvefs.meta.requests"), millis("ms", "curvefs.meta.answers"))),
          new Group("hit%", List.of(hits("mem", "memory"), hits("disk", "disk"))),
          new Group(
              "memcached",
              List.of(
                  hits("hit%", "memcached"),
                  bytes("read", "curvefs.cache.bytes.served{tier=memcached}"))),
          new Group(
              "s3",
              List.of(
                  rate("get", "curvefs.s3.requests{verb=GET}"),
                  rate("put", "curvefs.s3.requests{verb=PUT}"),
                  bytes("recv", "curvefs.s3.bytes.received"),
                  bytes("sent", "curvefs.s3.bytes.sent"),
                  millis("ms", "curvefs.s3.answers"))),
          new Group(
              "buffer",
              List.of(
                  new Column("used", 5, i -> size(i.now("curvefs.buffer.bytes.used"))),
                  new Column("max", 5, i -> size(i.now("curvefs.buffer.bytes.max"))),
                  rate("waits", "curvefs.buffer.waits"))),
          new Group(
              "raft",
              List.of(rate("ent", "curvefs.raft.commits"), millis("ms", "curvefs.raft.commits"))));

  private static final Group WRITEBACK =
      new Group(
          "writeback",
          List.of(
              new Column("wait", 5, i -> size(i.now("curvefs.writeback.bytes"))),
              new Column("age s", 5, i -> number(i.now("curvefs.writeback.oldest.seconds")))));

  private static final Group WARMUP =
      new Group(
          "warmup",
          LiveTable::isWarmed,
          List.of(
              bytes("moved", "curvefs.warmup.bytes"),
              new Column("jobs", 4, i -> number(i.now("curvefs.warmup.jobs")))));

  private final List<Group> groups;

  /**
   * @param writeback whether the mount has a write-back journal
   */
  public LiveTable(boolean writeback) {
    List<Group> all = new ArrayList<>(COMMON);
    if (writeback) {
      all.add(WRITEBACK);
    }
    all.add(WARMUP);
    groups = List.copyOf(all);
  }

  private static boolean isWarmed(Interval interval) {
    return interval.now("curvefs.warmup.jobs") > 0
        || interval.now("curvefs.warmup.bytes") > 0
        || interval.now("curvefs.warmup.files{outcome=cached}") > 0;
  }

  private static Column rate(String title, String counter) {
    return new Column(title, 5, i -> number(i.perSecond(counter)));
  }

  private static Column bytes(String title, String counter) {
    return new Column(title, 5, i -> size(i.perSecond(counter)));
  }

  private static Column millis(String title, String timer) {
    return new Column(title, 5, i -> number(i.meanMillis(timer)));
  }

  private static Column hits(String title, String tier) {
    return new Column(title, 4, i -> number(i.hitPercent(tier)));
  }

  /** Two lines: the groups, and their columns. Another one when there is more to tell. */
  public String header(Interval interval) {
    String titles =
        shown(interval)
            .map(group -> centred(group.title, group.width()))
            .collect(Collectors.joining(" "));
    String columns =
        shown(interval)
            .map(
                group ->
                    group.columns.stream()
                        .map(column -> padded(column.title, column.width))
                        .collect(Collectors.joining(" ")))
            .collect(Collectors.joining("|"));
    return titles + "\n" + columns;
  }

  private Stream<Group> shown(Interval interval) {
    return groups.stream().filter(group -> group.shown.test(interval));
  }

  /** One line. Rates are for a second. */
  public String row(Interval interval) {
    return shown(interval)
        .map(
            group ->
                group.columns.stream()
                    .map(column -> padded(column.cell.apply(interval), column.width))
                    .collect(Collectors.joining(" ")))
        .collect(Collectors.joining("|"));
  }

  private static String centred(String title, int width) {
    int left = Math.max(0, (width - title.length()) / 2);
    int right = Math.max(0, width - title.length() - left);
    return "-".repeat(left) + title + "-".repeat(right);
  }

  private static String padded(String text, int width) {
    return " ".repeat(Math.max(0, width - text.length())) + text;
  }

  /** At most five characters: 0, 0.25, 3.1, 417, 12K. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return NOTHING;
    }
    if (value == 0) {
      return "0";
    }
    if (value < 1) {
      return String.format(Locale.ROOT, "%.2f", value);
    }
    if (value < 10) {
      return String.format(Locale.ROOT, "%.1f", value);
    }
    return value < 99_999
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.0fK", value / 1000);
  }

  /** At most five characters, in powers of 1024: 0, 512, 4.0K, 312M. */
  static String size(double bytes) {
    if (Double.isNaN(bytes)) {
      return NOTHING;
    }
    if (bytes < STEP) {
      return String.format(Locale.ROOT, "%.0f", bytes);
    }
    double value = bytes;
    int power = 0;
    while (value >= STEP && power < UNITS.length()) {
      value /= STEP;
      power++;
    }
    return String.format(
        Locale.ROOT, value < 10 ? "%.1f%s" : "%.0f%s", value, UNITS.charAt(power - 1));
  }
}
