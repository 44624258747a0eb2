package io.curvefs.client.cli;

import com.google.protobuf.ByteString;
import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobState;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.WarmupJobs;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What is said of a job. */
final class WarmupReport {
  /** Failures that are named on standard error; all of them are in the list. */
  private static final int NAMED_MAX = 20;

  private static final int JSON_NAMES_MAX = 10_000;
  private static final double MILLIS = 1000;

  private WarmupReport() {}

  /** For example {@code 3 of 12 files, 1.2 MiB of 4.0 MiB}. */
  static String progress(JobStatus job) {
    return job.filesEnded()
        + " of "
        + job.filesTotal()
        + " files, "
        + ByteSize.text((double) job.bytesDone())
        + " of "
        + ByteSize.text((double) job.bytesTotal());
  }

  /** Rate, and the time that is left at this rate. */
  static String rate(JobStatus job) {
    double seconds = Math.max(1, job.runningMillis()) / MILLIS;
    double rate = job.bytesDone() / seconds;
    double files = job.filesEnded() / seconds;
    String left = "";
    long bytesLeft = job.bytesTotal() - job.bytesDone();
    long filesLeft = job.filesTotal() - job.filesEnded();
    if (bytesLeft > 0 && rate > 0) {
      left = ", " + time((long) (bytesLeft / rate)) + " left";
    } else if (filesLeft > 0 && files > 0) {
      left = ", " + time((long) (filesLeft / files)) + " left";
    }
    return "%s/s, %.0f files/s%s".formatted(ByteSize.text(rate), files, left);
  }

  private static String time(long seconds) {
    return seconds < 60 ? seconds + " s" : "%d:%02d min".formatted(seconds / 60, seconds % 60);
  }

  static String state(JobStatus job) {
    return job.state().name().toLowerCase(Locale.ROOT);
  }

  /** One line for one job. */
  static String line(JobStatus job) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%-5d %-6s %-9s %-9s %s"
            .formatted(
                job.id(),
                job.request().kind().name().toLowerCase(Locale.ROOT),
                job.request().storage().name().toLowerCase(Locale.ROOT),
                state(job),
                progress(job)));
    if (job.filesFailed() > 0) {
      text.append(", ").append(job.filesFailed()).append(" failed");
    }
    return text.append("  ").append(job.request().title()).toString();
  }

  /** What a job came to, on standard output; its failures on standard error. */
  static void end(WarmupHandle mount, JobStatus job) throws IOException {
    if (job.state() == JobState.DONE) {
      System.out.printf(
          "cached %d files (%s, of which %s had to be moved), failed %d, skipped %d, in %s%n",
          job.filesCached(),
          ByteSize.text((double) job.bytesDone()),
          ByteSize.text((double) job.bytesMoved()),
          job.filesFailed(),
          job.filesSkipped(),
          time(job.runningMillis() / (long) MILLIS));
    } else {
      System.out.println(
          "job " + job.id() + " is " + state(job) + ": " + progress(job) + " were done");
    }
    if (!job.message().isEmpty()) {
      System.err.println("curvefs: " + job.message());
    }
    named(mount, job, job.filesFailed(), "failed", mount::failed);
  }

  @FunctionalInterface
  interface Source {
    WarmupJobs.Records read(int job, long offset) throws IOException;
  }

  private static void named(
      WarmupHandle mount, JobStatus job, long count, String what, Source source)
      throws IOException {
    if (count == 0) {
      return;
    }
    WarmupPaths paths = new WarmupPaths(mount.mount());
    WarmupJobs.Records records = source.read(job.id(), 0);
    int named = Math.min(NAMED_MAX, records.paths().size());
    for (int i = 0; i < named; i++) {
      System.err.println(
          what + ": " + text(paths, records.paths().get(i)) + ": " + records.reasons().get(i));
    }
    if (count > named) {
      System.err.println(
          "... and "
              + (count - named)
              + " more: 'curvefs warmup status "
              + job.id()
              + " --mount "
              + mount.mount().root()
              + " --failed-to FILE' lists them");
    }
  }

  private static String text(WarmupPaths paths, ByteString path) {
    return new String(paths.shown(path.toByteArray()), StandardCharsets.UTF_8).replace("\n", "\\n");
  }

  /** Names the files that were skipped, on standard output. */
  static void skipped(WarmupHandle mount, JobStatus job) throws IOException {
    WarmupPaths paths = new WarmupPaths(mount.mount());
    long offset = 0;
    do {
      WarmupJobs.Records records = mount.skipped(job.id(), offset);
      for (int i = 0; i < records.paths().size(); i++) {
        System.out.println(
            "skipped: " + text(paths, records.paths().get(i)) + ": " + records.reasons().get(i));
      }
      offset = records.next();
    } while (offset != 0);
  }

  /**
   * Writes the files that have failed, as {@code --filelist} takes them.
   *
   * @param nulls separated by NULs, else by newlines
   */
  static void failedTo(WarmupHandle mount, JobStatus job, Path file, boolean nulls)
      throws IOException {
    boolean odd = !nulls && hasNewlines(mount, job);
    WarmupPaths paths = new WarmupPaths(mount.mount());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      long offset = 0;
      do {
        WarmupJobs.Records records = mount.failed(job.id(), offset);
        for (ByteString path : records.paths()) {
          out.write(paths.shown(path.toByteArray()));
          out.write(nulls || odd ? 0 : '\n');
        }
        offset = records.next();
      } while (offset != 0);
    }
    if (odd) {
      System.err.println(
          "curvefs: a name has a newline in it: "
              + file
              + " is separated by NULs; give it back with --filelist and --null");
    }
  }

  private static boolean hasNewlines(WarmupHandle mount, JobStatus job) throws IOException {
    long offset = 0;
    do {
      WarmupJobs.Records records = mount.failed(job.id(), offset);
      for (ByteString path : records.paths()) {
        for (byte b : path) {
          if (b == '\n') {
            return true;
          }
        }
      }
      offset = records.next();
    } while (offset != 0);
    return false;
  }

  /** For scripts: the job, and the first ten thousand of its failures and skips. */
  static Map<String, Object> json(WarmupHandle mount, JobStatus job) throws IOException {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("mount", mount.mount().root().toString());
    values.put("job", job);
    values.put("failed", names(mount, job, mount::failed));
    values.put("skipped", names(mount, job, mount::skipped));
    return values;
  }

  private static List<Map<String, String>> names(WarmupHandle mount, JobStatus job, Source source)
      throws IOException {
    WarmupPaths paths = new WarmupPaths(mount.mount());
    List<Map<String, String>> all = new ArrayList<>();
    long offset = 0;
    do {
      WarmupJobs.Records records = source.read(job.id(), offset);
      for (int i = 0; i < records.paths().size() && all.size() < JSON_NAMES_MAX; i++) {
        byte[] shown = paths.shown(records.paths().get(i).toByteArray());
        all.add(
            Map.of(
                "path",
                new String(shown, StandardCharsets.UTF_8),
                "reason",
                records.reasons().get(i)));
      }
      offset = records.next();
    } while (offset != 0 && all.size() < JSON_NAMES_MAX);
    return all;
  }

  /** What the command's exit status tells of a job that has ended. */
  static int exit(JobStatus job) {
    return job.state() == JobState.DONE && job.filesFailed() == 0 ? 0 : 1;
  }
}
