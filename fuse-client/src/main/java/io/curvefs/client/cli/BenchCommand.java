package io.curvefs.client.cli;

import io.curvefs.client.bench.BenchOptions;
import io.curvefs.client.bench.Benchmark;
import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.bench.Report;
import io.curvefs.client.mount.MountHandle;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures a directory. */
@Command(
    name = "bench",
    description = {
      "Measure a directory of any file system: a big file and many small ones, written, read cold",
      "and warm (all that is read is checked), by one thread and by several. On a CurveFS mount",
      "also what it costs in requests, CPU and memory. Nothing of it remains."
    },
    mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "DIR")
  private Path directory;

  @Option(
      names = "--big-file-size",
      paramLabel = "SIZE",
      defaultValue = "256M",
      description = "Of each thread's big file. Default: ${DEFAULT-VALUE}")
  private String bigFileSize;

  @Option(
      names = "--small-files",
      paramLabel = "N",
      defaultValue = "500",
      description = "Of each thread. Default: ${DEFAULT-VALUE}")
  private int smallFiles;

  @Option(
      names = "--small-size",
      paramLabel = "SIZE",
      defaultValue = "64K",
      description = "Of each small file. Default: ${DEFAULT-VALUE}")
  private String smallSize;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Besides one. Default: one for each processor, 2 to 4")
  private @Nullable Integer threads;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Whose medians are told. Default: ${DEFAULT-VALUE}")
  private int rounds;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of the content. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Option(
      names = "--baseline",
      paramLabel = "DIR2",
      description = "Measure this directory too, alternating, and tell ratios.")
  private @Nullable Path baseline;

  @Option(
      names = "--s3-baseline",
      description = "Measure the bucket of the mount alone too, and tell ratios.")
  private boolean s3Baseline;

  @ArgGroup(validate = false, heading = "For --s3-baseline:%n")
  private S3 s3 = new S3();

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /** A bucket; what is not said of it is what the mount uses. */
  static final class S3 {
    @Option(names = "--s3-endpoint", paramLabel = "URL", description = "Default: the mount's")
    private @Nullable String endpoint;

    @Option(names = "--s3-bucket", paramLabel = "BUCKET", description = "Default: the mount's")
    private @Nullable String bucket;

    @Option(names = "--s3-region", paramLabel = "REGION", defaultValue = "us-east-1")
    private String region = "us-east-1";

    @Option(
        names = "--access-key",
        paramLabel = "KEY",
        defaultValue = "",
        description = "Default: the AWS credential chain")
    private String accessKey = "";

    @Option(
        names = "--secret-key",
        paramLabel = "KEY",
        defaultValue = "${env:CURVEFS_SECRET_KEY:-}",
        description = "Better in $CURVEFS_SECRET_KEY: others can see the command line.")
    private String secretKey = "";

    S3Location location(Path directory) throws IOException {
      String mounted = MountHandle.containing(directory.toRealPath()).bucket();
      int slash = mounted.lastIndexOf('/');
      return new S3Location(
          bucket == null ? mounted.substring(slash + 1) : bucket,
          endpoint == null ? mounted.substring(0, slash) : endpoint,
          region,
          accessKey.isEmpty()
              ? S3Credentials.defaultChain()
              : S3Credentials.of(accessKey, secretKey));
    }
  }

  @Override
  public Integer call() throws IOException {
    BenchOptions options =
        new BenchOptions(
            directory.toAbsolutePath().normalize(),
            baseline == null ? null : baseline.toAbsolutePath().normalize(),
            s3Baseline ? s3.location(directory) : null,
            ByteSize.parse("--big-file-size", bigFileSize),
            smallFiles,
            (int) Math.min(Integer.MAX_VALUE, ByteSize.parse("--small-size", smallSize)),
            threads == null ? threadsDefault() : threads,
            rounds,
            seed);
    Report report;
    try (Benchmark benchmark = new Benchmark(options)) {
      report = benchmark.run();
    }
    if (json) {
      Json.print(report.values());
    } else {
      System.out.print(report.text());
    }
    return 0;
  }

  private static int threadsDefault() {
    return Math.min(4, Math.max(2, Runtime.getRuntime().availableProcessors()));
  }
}
