package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.warmup.JobKind;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.Storage;
import io.curvefs.client.warmup.TierCount;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Takes files out of the caches. */
@Command(
    name = "evict",
    description = "Take files out of the caches, pinned or not.",
    mixinStandardHelpOptions = true)
final class WarmupEvictCommand implements Callable<Integer> {
  @Parameters(paramLabel = "PATH", arity = "1..*")
  private List<String> paths = new ArrayList<>();

  @Option(
      names = "--storage",
      paramLabel = "WHERE",
      description = "disk, memcached or both. Default: ${DEFAULT-VALUE}")
  private Storage storage = Storage.DISK;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    WarmupLook.Done done = WarmupLook.at(paths, JobKind.EVICT, storage, true);
    JobStatus job = done.job();
    if (json) {
      Json.print(WarmupReport.json(done.mount(), job));
      return WarmupReport.exit(job);
    }
    for (TierCount count : job.tiers()) {
      System.out.printf(
          "%s: %d files, %s evicted%n",
          count.tier().name().toLowerCase(Locale.ROOT),
          count.files(),
          ByteSize.text((double) count.bytes()));
    }
    if (job.filesFailed() > 0) {
      WarmupReport.end(done.mount(), job);
    }
    return WarmupReport.exit(job);
  }
}
