package io.curvefs.client.epochs;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.bench.Quantiles;
import io.curvefs.client.bench.TextTable;
import io.curvefs.client.quickstart.TrainingSet;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** What was found, for people and for scripts. Owned by the thread that measures. */
public final class EpochsReport {
  private final EpochsOptions options;
  private final long bytes;
  private final Map<Workload, Map<Source, List<Pass>>> passes = new EnumMap<>(Workload.class);
  private double seconds;

  EpochsReport(EpochsOptions options, TrainingSet set) {
    this.options = options;
    this.bytes = set.bytes();
  }

  void add(Workload workload, Source source, Pass pass) {
    passes
        .computeIfAbsent(workload, w -> new EnumMap<>(Source.class))
        .computeIfAbsent(source, s -> new ArrayList<>())
        .add(pass);
  }

  /**
   * @param newSeconds that everything took
   */
  void end(double newSeconds) {
    seconds = newSeconds;
  }

  private List<Pass> passes(Workload workload, Source source) {
    return passes.getOrDefault(workload, Map.of()).getOrDefault(source, List.of());
  }

  /** Of files and records that were not what had been written. */
  public long wrongBytes() {
    return passes.values().stream()
        .flatMap(sources -> sources.values().stream())
        .flatMap(List::stream)
        .mapToLong(Pass::wrongBytes)
        .sum();
  }

  /** Median of the ratios of each round. */
  private OptionalDouble ratio(Workload workload, Source source) {
    Source other = source.comparedWith();
    if (other == null) {
      return OptionalDouble.empty();
    }
    List<Pass> own = passes(workload, source);
    List<Pass> others = passes(workload, other);
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < own.size(); i++) {
      ratios.add(own.get(i).bytesPerSecond() / others.get(i).bytesPerSecond());
    }
    return OptionalDouble.of(Quantiles.median(ratios));
  }

  private static double bytesPerSecond(List<Pass> rounds) {
    return Quantiles.median(rounds.stream().map(Pass::bytesPerSecond).toList());
  }

  private static double readsPerSecond(List<Pass> rounds) {
    return Quantiles.median(rounds.stream().map(Pass::readsPerSecond).toList());
  }

  private static long s3Gets(List<Pass> rounds) {
    return rounds.stream().mapToLong(Pass::s3Gets).sum();
  }

  /** For people: a table of each workload. */
  public String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        "%d files of 4 to 200 KiB and %d of %s, %s in all; %d readers, %d warmup threads, S3 with %d ms latency, seed %d.%n"
            .formatted(
                options.shape().samples(),
                options.shape().shards(),
                ByteSize.text(options.shape().shardBytes()),
                ByteSize.text((double) bytes),
                options.readers(),
                options.warmupThreads(),
                options.latencyMillis(),
                options.seed()));
    text.append(
        "Shuffled epochs, each in an order of its own; medians of %d rounds where warm; %d wrong bytes; %.0f s.%n"
            .formatted(options.rounds(), wrongBytes(), seconds));
    for (Workload workload : Workload.values()) {
      text.append('\n').append(table(workload));
    }
    return text.toString();
  }

  private TextTable table(Workload workload) {
    String what = workload.title().toUpperCase(Locale.ROOT);
    TextTable table = new TextTable(what, "READS/S", "MIB/S", "S3 GETS", "RATIO", "TO");
    for (Source source : Source.values()) {
      List<Pass> rounds = passes(workload, source);
      Source other = source.comparedWith();
      OptionalDouble ratio = ratio(workload, source);
      table.row(
          source.title(),
          "%.0f".formatted(readsPerSecond(rounds)),
          "%.1f".formatted(bytesPerSecond(rounds) / (1 << 20)),
          Long.toString(s3Gets(rounds)),
          ratio.isPresent() ? "%.2f".formatted(ratio.getAsDouble()) : "",
          other == null ? "" : other.title());
    }
    return table;
  }

  /** For JSON; its keys stay what they are. docs/metrics.md explains them. */
  public Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("files", options.shape().samples());
    values.put("large_files", options.shape().shards());
    values.put("large_file_bytes", options.shape().shardBytes());
    values.put("bytes", bytes);
    values.put("readers", options.readers());
    values.put("warmup_threads", options.warmupThreads());
    values.put("rounds", options.rounds());
    values.put("latency_millis", options.latencyMillis());
    values.put("seed", options.seed());
    values.put("seconds", seconds);
    values.put("wrong_bytes", wrongBytes());
    for (Workload workload : Workload.values()) {
      for (Source source : Source.values()) {
        List<Pass> rounds = passes(workload, source);
        String key = workload.keyPrefix() + source.key();
        values.put(key + "_reads_per_second", readsPerSecond(rounds));
        values.put(key + "_bytes_per_second", bytesPerSecond(rounds));
        values.put(key + "_s3_gets", s3Gets(rounds));
        ratio(workload, source)
            .ifPresent(ratio -> values.put(workload.keyPrefix() + source.ratioKey(), ratio));
      }
      values.put(
          workload.keyPrefix() + "warm_epoch_s3_gets",
          s3Gets(passes(workload, Source.WARM_DISK))
              + s3Gets(passes(workload, Source.WARM_PAGE_CACHE)));
    }
    return values;
  }
}
