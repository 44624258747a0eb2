package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.warmup.JobKind;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.Storage;
import io.curvefs.client.warmup.TierCount;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Counts what is cached. */
@Command(
    name = "check",
    description = {
      "Count which of the files, and how many of their bytes, each tier has.",
      "Exit status 1: some files could not be looked at."
    },
    mixinStandardHelpOptions = true)
final class WarmupCheckCommand implements Callable<Integer> {
  private static final double PERCENT = 100;

  @Parameters(paramLabel = "PATH", arity = "1..*")
  private List<String> paths = new ArrayList<>();

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    WarmupLook.Done done = WarmupLook.at(paths, JobKind.CHECK, Storage.BOTH, true);
    JobStatus job = done.job();
    if (json) {
      Json.print(values(job));
    } else {
      System.out.printf(
          "%d files, %s%n", job.filesCached(), ByteSize.text((double) job.bytesDone()));
      for (TierCount count : job.tiers()) {
        System.out.printf(
            "  %-9s %d files, %s, %.1f %%%n",
            count.tier().name().toLowerCase(Locale.ROOT),
            count.files(),
            ByteSize.text((double) count.bytes()),
            percent(job, count));
      }
      if (job.filesFailed() > 0) {
        WarmupReport.end(done.mount(), job);
      }
    }
    return WarmupReport.exit(job);
  }

  private static double percent(JobStatus job, TierCount count) {
    return job.bytesDone() > 0
        ? PERCENT * count.bytes() / job.bytesDone()
        : PERCENT * count.files() / Math.max(1, job.filesCached());
  }

  private static Map<String, Object> values(JobStatus job) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("files", job.filesCached());
    values.put("bytes", job.bytesDone());
    values.put("failed", job.filesFailed());
    values.put("skipped", job.filesSkipped());
    Map<String, Object> tiers = new LinkedHashMap<>();
    for (TierCount count : job.tiers()) {
      tiers.put(
          count.tier().name().toLowerCase(Locale.ROOT),
          Map.of("files", count.files(), "bytes", count.bytes(), "percent", percent(job, count)));
    }
    values.put("tiers", tiers);
    return values;
  }
}
