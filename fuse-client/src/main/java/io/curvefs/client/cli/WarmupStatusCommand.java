package io.curvefs.client.cli;

import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tells of one job. */
@Command(
    name = "status",
    description = {
      "Tell how far a job is, and which files have failed.",
      "Exit status 0: it runs, or all its files are cached or skipped for a good reason."
    },
    mixinStandardHelpOptions = true)
final class WarmupStatusCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "JOB")
  private int id;

  @Option(names = "--mount", paramLabel = "DIR", description = "In the mount of the job.")
  private @Nullable Path directory;

  @Option(names = "--watch", description = "Wait for its end.")
  private boolean watch;

  @Option(names = "--skipped", description = "Name the files that were skipped, with reasons.")
  private boolean skipped;

  @Mixin private FailedList failed;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    WarmupCommand.Found found = WarmupCommand.find(id, directory);
    WarmupHandle mount = found.mount();
    JobStatus job = watch ? WarmupProgress.await(mount, id, json) : found.job();
    failed.write(mount, job);
    if (json) {
      Json.print(WarmupReport.json(mount, job));
    } else if (job.state().isEnd()) {
      WarmupReport.end(mount, job);
    } else {
      System.out.println(WarmupReport.line(job));
      System.out.println(WarmupReport.rate(job));
      if (!job.message().isEmpty()) {
        System.out.println(job.message());
      }
    }
    if (skipped && !json) {
      WarmupReport.skipped(mount, job);
    }
    return job.state().isEnd() ? WarmupReport.exit(job) : 0;
  }
}
