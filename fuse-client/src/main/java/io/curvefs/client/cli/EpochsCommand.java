package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.epochs.Epochs;
import io.curvefs.client.epochs.EpochsOptions;
import io.curvefs.client.epochs.EpochsReport;
import io.curvefs.client.quickstart.Home;
import io.curvefs.client.quickstart.TrainingSet;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code bench/epochs} runs once it has installed and built. */
@Command(
    name = "epochs",
    hidden = true,
    description = {
      "Measure shuffled epochs of a training set on an installation of its own: S3 with latency,",
      "a metaserver, memcached, two mounts. Cold, with a warmup running ahead, on a second host"
          + " from",
      "memcached, from disk, from the page cache; beside a local directory. All that is read is",
      "checked. Takes a quarter of an hour on two cores. Ends and removes all it started."
    },
    mixinStandardHelpOptions = true)
final class EpochsCommand implements Callable<Integer> {
  private static final int DIRECTORIES_MAX = 100;
  private static final int LARGE_BYTES_MIN = 1 << 20;
  private static final int LARGE_BYTES_MAX = 1 << 30;

  @Option(
      names = "--short",
      description = "4000 small files, and large ones of 128 MiB: less than ten minutes.")
  private boolean brief;

  @Option(
      names = "--files",
      paramLabel = "N",
      description = "Small files. Default: 20000; with --short 4000")
  private @Nullable Integer files;

  @Option(
      names = "--large-files",
      paramLabel = "N",
      defaultValue = "4",
      description = "Large files. Default: ${DEFAULT-VALUE}")
  private int largeFiles;

  @Option(
      names = "--large-size",
      paramLabel = "SIZE",
      description = "Of each large file. Default: 256M; with --short 128M")
  private @Nullable String largeSize;

  @Option(
      names = "--readers",
      paramLabel = "N",
      defaultValue = "8",
      description = "Threads that read. Default: ${DEFAULT-VALUE}")
  private int readers;

  @Option(
      names = "--warmup-threads",
      paramLabel = "N",
      defaultValue = "16",
      description = "Of a warmup, and of S3 alone beside it. Default: ${DEFAULT-VALUE}")
  private int warmupThreads;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Of warm epochs, whose medians are told. Default: ${DEFAULT-VALUE}")
  private int rounds;

  @Option(
      names = "--latency-millis",
      paramLabel = "N",
      defaultValue = "20",
      description = "That S3 adds to each request. Default: ${DEFAULT-VALUE}")
  private int latencyMillis;

  @Option(
      names = "--mount-options",
      paramLabel = "OPT,...",
      defaultValue = "ro,no_open,attr_timeout=3600,entry_timeout=3600,open_cache=3600",
      description =
          "Options of the mounts that read. Default: those for a set that does not change,"
              + " ${DEFAULT-VALUE}. With 'defaults' names, attributes and opens are asked for.")
  private String mountOptions;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of content and orders. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Mixin private MeasuringPlace place;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    EpochsReport report;
    Home home = Home.ofThisProcess();
    try (Epochs epochs = new Epochs(options(), home, EpochsCommand::say)) {
      report = epochs.run();
    }
    if (json) {
      Json.print(report.values());
    } else {
      System.out.print(report.text());
    }
    if (report.wrongBytes() > 0) {
      throw new IOException(report.wrongBytes() + " bytes were not what had been written");
    }
    return 0;
  }

  private static void say(String step) {
    System.err.println(step);
  }

  private EpochsOptions options() {
    int samples = files != null ? files : brief ? 4_000 : 20_000;
    String shardBytes = largeSize != null ? largeSize : brief ? "128M" : "256M";
    TrainingSet.Shape shape =
        new TrainingSet.Shape(
            samples, Math.min(DIRECTORIES_MAX, samples), largeFiles, largeBytes(shardBytes));
    return new EpochsOptions(
        place.directory("epochs"),
        place.keep(),
        shape,
        readers,
        warmupThreads,
        rounds,
        latencyMillis,
        mountOptions,
        seed);
  }

  private static int largeBytes(String text) {
    long bytes = ByteSize.parse("--large-size", text);
    if (bytes < LARGE_BYTES_MIN || bytes > LARGE_BYTES_MAX) {
      throw new IllegalArgumentException("--large-size must be 1M to 1G, not " + text);
    }
    return (int) bytes;
  }
}
