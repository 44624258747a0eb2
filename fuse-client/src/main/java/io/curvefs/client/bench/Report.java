package io.curvefs.client.bench;

import io.curvefs.client.bench.Results.Place;
import io.curvefs.client.bench.Results.Series;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** What a benchmark found, for people and for scripts. */
public final class Report {
  private final BenchOptions options;
  private final Target directory;
  private final @Nullable Target baseline;
  private final Results results;
  private final long residentBytesPeak;

  Report(
      BenchOptions options,
      Target directory,
      @Nullable Target baseline,
      Results results,
      long residentBytesPeak) {
    this.options = options;
    this.directory = directory;
    this.baseline = baseline;
    this.results = results;
    this.residentBytesPeak = residentBytesPeak;
  }

  static String rate(Item item, double perSecond) {
    return item.big() ? ByteSize.text(perSecond) + "/s" : "%.0f files/s".formatted(perSecond);
  }

  static String duration(long nanos) {
    if (nanos < 1_000_000) {
      return "%.0f us".formatted(nanos / 1e3);
    }
    return nanos < 1_000_000_000
        ? "%.1f ms".formatted(nanos / 1e6)
        : "%.2f s".formatted(nanos / 1e9);
  }

  // ---- for people ----

  /** Tables, each with its newline. */
  public String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        "Big file %s, %d small files of %s for each thread. Rounds: %d; their medians are told.%n"
            .formatted(
                ByteSize.text((double) options.bigFileBytes()),
                options.smallFiles(),
                ByteSize.text(options.smallBytes()),
                options.rounds()));
    text.append("An operation of a big file is 1 MiB, that of a small one the whole file.\n");
    place(text, Place.DIRECTORY, directory);
    if (baseline != null) {
      place(text, Place.BASELINE, baseline);
      text.append("\nRatios to %s\n".formatted(baseline.directory())).append(baselineRatios());
    }
    if (options.rawS3() != null) {
      text.append(
          "\nRatios to the object store alone (%d objects of %s in flight)%n"
              .formatted(RawS3.IN_FLIGHT, ByteSize.text(RawS3.OBJECT_BYTES)));
      text.append(rawRatios());
    }
    MountProbe probe = directory.probe();
    if (probe != null) {
      text.append("\nCost to the mount, mean of the rounds\n").append(costs());
      text.append(
          "Mount process %d: %.1f s of CPU in all, %s of memory at its peak.%n"
              .formatted(probe.pid(), cpuSecondsAll(), ByteSize.text((double) residentBytesPeak)));
    }
    return text.toString();
  }

  private void place(StringBuilder text, Place place, Target target) {
    text.append(
        "%n%s%s%nCold: %s.%n"
            .formatted(
                target.directory(),
                target.probe() == null ? "" : " (CurveFS)",
                target.caches().explanation()));
    List<String> headings = new ArrayList<>(List.of("ITEM"));
    for (int threads : options.crews()) {
      headings.add(threads == 1 ? "1 THREAD" : threads + " THREADS");
      headings.add("MEDIAN");
      headings.add("P99");
    }
    TextTable table = new TextTable(headings);
    for (Item item : Item.values()) {
      List<String> cells = new ArrayList<>(List.of(item.title()));
      for (int threads : options.crews()) {
        Measured.Summary summary = results.summary(place, new Series(item, threads));
        cells.add(rate(item, summary.perSecond()));
        cells.add(duration(summary.medianNanos()));
        cells.add(duration(summary.p99Nanos()));
      }
      table.row(cells);
    }
    text.append(table);
  }

  private TextTable baselineRatios() {
    List<String> headings = new ArrayList<>(List.of("ITEM"));
    for (int threads : options.crews()) {
      headings.add(threads == 1 ? "1 THREAD" : threads + " THREADS");
    }
    TextTable table = new TextTable(headings);
    for (Item item : Item.values()) {
      List<String> cells = new ArrayList<>(List.of(item.title()));
      for (int threads : options.crews()) {
        cells.add(ratio(results.ratioToBaseline(new Series(item, threads))));
      }
      table.row(cells);
    }
    return table;
  }

  private TextTable rawRatios() {
    TextTable table = new TextTable("ITEM", "MOUNT", "OBJECT STORE", "RATIO");
    for (Item item : Benchmark.RAW_ITEMS) {
      for (int threads : options.crews()) {
        Series series = new Series(item, threads);
        table.row(
            Benchmark.title(item.title(), threads),
            rate(item, results.summary(Place.DIRECTORY, series).perSecond()),
            rate(item, results.raw(series).orElse(0)),
            ratio(results.ratioToRaw(series)));
      }
    }
    return table;
  }

  private static String ratio(OptionalDouble ratio) {
    return ratio.isPresent() ? "%.2f".formatted(ratio.getAsDouble()) : "-";
  }

  private TextTable costs() {
    TextTable table = new TextTable("ITEM", "CPU", "S3 PUT", "S3 GET", "METADATA", "OPERATIONS");
    for (Item item : Item.values()) {
      for (int threads : options.crews()) {
        MountProbe.Reading cost =
            results.summary(Place.DIRECTORY, new Series(item, threads)).cost();
        table.row(
            Benchmark.title(item.title(), threads),
            "%.2f s".formatted(cost.cpuSeconds()),
            Long.toString(cost.requests().s3("PUT")),
            Long.toString(cost.requests().s3("GET")),
            Long.toString(cost.requests().metadataTotal()),
            cost.requests().metadataText());
      }
    }
    return table;
  }

  private double cpuSecondsAll() {
    double seconds = 0;
    for (Item item : Item.values()) {
      for (int threads : options.crews()) {
        seconds +=
            results.summary(Place.DIRECTORY, new Series(item, threads)).cost().cpuSeconds()
                * options.rounds();
      }
    }
    return seconds;
  }

  // ---- for scripts ----

  /** For JSON; its keys stay what they are. */
  public Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("big_file_bytes", options.bigFileBytes());
    values.put("small_files", options.smallFiles());
    values.put("small_file_bytes", options.smallBytes());
    values.put("threads", options.threads());
    values.put("rounds", options.rounds());
    values.put("seed", options.seed());
    values.put("directory", place(Place.DIRECTORY, directory));
    if (baseline != null) {
      values.put("baseline", place(Place.BASELINE, baseline));
    }
    MountProbe probe = directory.probe();
    if (probe != null) {
      values.put(
          "mount_process",
          ordered(
              "pid", probe.pid(),
              "cpu_seconds", cpuSecondsAll(),
              "resident_bytes_peak", residentBytesPeak));
    }
    return values;
  }

  private Map<String, Object> place(Place place, Target target) {
    List<Map<String, Object>> items = new ArrayList<>();
    for (Item item : Item.values()) {
      for (int threads : options.crews()) {
        items.add(item(place, target, new Series(item, threads)));
      }
    }
    return ordered(
        "path",
        target.directory().toString(),
        "curvefs",
        target.probe() != null,
        "caches_dropped_by",
        target.caches().key(),
        "items",
        items);
  }

  private Map<String, Object> item(Place place, Target target, Series series) {
    Measured.Summary summary = results.summary(place, series);
    String unit = series.item().big() ? "bytes_per_second" : "files_per_second";
    Map<String, Object> values =
        ordered(
            "item",
            series.item().key(),
            "threads",
            series.threads(),
            unit,
            summary.perSecond(),
            unit + "_of_rounds",
            summary.rounds(),
            "latency_median_micros",
            summary.medianNanos() / 1e3,
            "latency_p99_micros",
            summary.p99Nanos() / 1e3);
    if (place == Place.DIRECTORY) {
      results.ratioToBaseline(series).ifPresent(ratio -> values.put("ratio_to_baseline", ratio));
      results.raw(series).ifPresent(rate -> values.put("raw_s3_bytes_per_second", rate));
      results.ratioToRaw(series).ifPresent(ratio -> values.put("ratio_to_raw_s3", ratio));
    }
    if (target.probe() != null) {
      Requests requests = summary.cost().requests();
      values.put("mount_cpu_seconds", summary.cost().cpuSeconds());
      values.put("s3_requests", lowerCase(requests.s3()));
      values.put("s3_bytes_sent", requests.bytesSent());
      values.put("s3_bytes_received", requests.bytesReceived());
      values.put("metadata_requests", lowerCase(requests.metadata()));
    }
    return values;
  }

  private static Map<String, Double> lowerCase(Map<String, Double> values) {
    Map<String, Double> lower = new LinkedHashMap<>();
    values.forEach((name, value) -> lower.put(name.toLowerCase(Locale.ROOT), value));
    return lower;
  }

  private static Map<String, Object> ordered(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
