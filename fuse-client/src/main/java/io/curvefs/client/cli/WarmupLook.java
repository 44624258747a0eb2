package io.curvefs.client.cli;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobKind;
import io.curvefs.client.warmup.JobRequest;
import io.curvefs.client.warmup.JobState;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.Storage;
import java.io.IOException;
import java.util.List;

/** Has a mount look at files, and waits for what it finds. */
final class WarmupLook {
  private WarmupLook() {}

  /** A job that has ended, and where. */
  record Done(WarmupHandle mount, JobStatus job) {}

  static Done at(List<String> paths, JobKind kind, Storage storage, boolean quiet)
      throws IOException, InterruptedException {
    MountHandle mount = WarmupPaths.mountOf(paths, null, '\n');
    WarmupHandle warmups = new WarmupHandle(mount);
    WarmupHandle.Request request =
        warmups.request(JobRequest.of(kind, String.join(" ", paths), storage));
    WarmupPaths translate = new WarmupPaths(mount);
    for (String path : paths) {
      translate.argument(path, request);
    }
    int id = request.begin();
    JobStatus job = WarmupProgress.await(warmups, id, quiet);
    requireDone(job);
    return new Done(warmups, job);
  }

  /**
   * @throws IOException when the job came to another end: what it counted says nothing then
   */
  static void requireDone(JobStatus job) throws IOException {
    if (job.state() != JobState.DONE) {
      String why = job.message().isEmpty() ? "" : ": " + job.message();
      throw new IOException("job " + job.id() + " is " + WarmupReport.state(job) + why);
    }
  }
}
