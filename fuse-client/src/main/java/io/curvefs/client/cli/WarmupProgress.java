package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.bench.LiveBar;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobState;
import io.curvefs.client.warmup.JobStatus;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Watches a job to its end: a bar on a terminal, else a line every few seconds. */
final class WarmupProgress {
  private static final long LOOK_MILLIS_MIN = 20;
  private static final long LOOK_MILLIS_MAX = 500;
  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private WarmupProgress() {}

  /**
   * Waits for a job's end.
   *
   * @param quiet say nothing meanwhile
   */
  static JobStatus await(WarmupHandle mount, int id, boolean quiet)
      throws IOException, InterruptedException {
    long pause = LOOK_MILLIS_MIN;
    boolean totalsTold = false;
    long lineAt = System.nanoTime() + LINE_NANOS;
    LiveBar bar = null;
    try {
      while (true) {
        JobStatus job = job(mount, id);
        if (!quiet && !totalsTold && isCounted(job)) {
          totalsTold = true;
          System.err.println(
              job.filesTotal()
                  + " files, "
                  + ByteSize.text((double) job.bytesTotal())
                  + "; job "
                  + id);
          if (!job.message().isEmpty()) {
            System.err.println("curvefs: " + job.message());
          }
          bar = LiveBar.onStandardError("warmup", Math.max(1, steps(job, job.bytesTotal())));
        }
        if (job.state().isEnd()) {
          return job;
        }
        if (bar != null) {
          bar.show(steps(job, job.bytesDone()), job.filesEnded() + " files, " + rate(job));
        } else if (totalsTold && System.nanoTime() - lineAt > 0) {
          lineAt = System.nanoTime() + LINE_NANOS;
          System.err.println(WarmupReport.progress(job) + ", " + rate(job));
        }
        TimeUnit.MILLISECONDS.sleep(pause);
        pause = Math.min(LOOK_MILLIS_MAX, pause * 2);
      }
    } finally {
      close(bar);
    }
  }

  private static void close(@Nullable LiveBar bar) {
    if (bar != null) {
      bar.close();
    }
  }

  private static boolean isCounted(JobStatus job) {
    return switch (job.state()) {
      case WAITING, COUNTING -> false;
      case RUNNING, RETRYING, DONE, REFUSED -> true;
      case CANCELLED, BROKEN -> false;
    };
  }

  /** Bytes, or files when all of them are empty. */
  private static long steps(JobStatus job, long bytes) {
    boolean empty = job.bytesTotal() == 0;
    return !empty ? bytes : job.state() == JobState.DONE ? job.filesTotal() : job.filesEnded();
  }

  private static String rate(JobStatus job) {
    String failures = job.filesFailed() == 0 ? "" : ", " + job.filesFailed() + " failed";
    return WarmupReport.rate(job) + failures;
  }

  private static JobStatus job(WarmupHandle mount, int id) throws IOException {
    Optional<JobStatus> job;
    try {
      job = mount.job(id);
    } catch (IOException e) {
      mount.mount().requirePresent();
      throw e;
    }
    if (job.isEmpty()) {
      mount.mount().requirePresent();
      throw new IOException("job " + id + " is not known any more at " + mount.mount().root());
    }
    return job.get();
  }
}
