package io.curvefs.client.cli;

import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobStatus;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options for lists of paths: where a job's failures go, and what separates paths. */
final class FailedList {
  @Option(
      names = "--failed-to",
      paramLabel = "FILE",
      description = "Write the files that have failed as a list, which --filelist takes.")
  private @Nullable Path file;

  @Option(
      names = {"-0", "--null"},
      description = "Paths in lists are separated by NULs, not by newlines.")
  private boolean nulls;

  boolean isWanted() {
    return file != null;
  }

  /** What stands behind each path of a list. */
  char separator() {
    return nulls ? '\0' : '\n';
  }

  void write(WarmupHandle warmups, JobStatus job) throws IOException {
    if (file != null) {
      WarmupReport.failedTo(warmups, job, file, nulls);
    }
  }
}
