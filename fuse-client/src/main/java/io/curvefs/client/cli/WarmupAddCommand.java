package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobKind;
import io.curvefs.client.warmup.JobRequest;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.Share;
import io.curvefs.client.warmup.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Begins a warmup, and watches it. */
@Command(
    name = "add",
    description = {
      "Warm files, and whole directories. Every file ends cached, failed or skipped, with its reason.",
      "Exit status 0: all files are cached, or skipped for a good reason."
    },
    footerHeading = "%nLists:%n",
    footer = {
      "  One path a line, absolute or relative to the current directory; with --null, a NUL behind",
      "  each path, for names that have newlines in them. Lines that are in no mount, or name nothing,",
      "  fail and are named. Symbolic links are followed within the mount, up to 4 on the way of a",
      "  path; pipes, sockets and devices are skipped. A name that is not valid in this locale is",
      "  best given in a list."
    },
    mixinStandardHelpOptions = true)
final class WarmupAddCommand implements Callable<Integer> {
  @Parameters(paramLabel = "PATH", arity = "0..*")
  private List<String> paths = new ArrayList<>();

  @Option(
      names = "--filelist",
      paramLabel = "FILE",
      description = "Warm what this list names; '-' is standard input.")
  private @Nullable String fileList;

  @Option(
      names = "--storage",
      paramLabel = "WHERE",
      description = "disk, memcached or both. Default: disk; with --distribute memcached")
  private @Nullable Storage storage;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "That move blocks at once, 1 to 128. Default: ${DEFAULT-VALUE}")
  private int threads = JobRequest.THREADS_DEFAULT;

  @Option(
      names = "--bandwidth",
      paramLabel = "SIZE",
      description = "Most bytes a second, such as 100M. Default: no limit")
  private @Nullable String bandwidth;

  @Option(names = "--pin", description = "Keep the blocks until 'curvefs warmup evict'.")
  private boolean pin;

  @Option(
      names = {"-d", "--detached"},
      description = "Print the job's number and return; the job goes on.")
  private boolean detached;

  @Option(names = "--force", description = "Begin although it does not fit.")
  private boolean force;

  @Mixin private FailedList failed;

  @Option(
      names = "--distribute",
      paramLabel = "I/N",
      description = "Warm the I-th of N shares: each of N hosts warms its own, into memcached.")
  private @Nullable String distribute;

  @Option(
      names = "--order",
      paramLabel = "FILE",
      description = {
        "A list of files in the order in which they will be read on this mount: run ahead of the",
        "reader, and evict what was read. For sets that are larger than the cache."
      })
  private @Nullable String order;

  @Option(
      names = "--window",
      paramLabel = "SIZE",
      description = "With --order: most bytes that are warmed and not read yet.")
  private @Nullable String window;

  @Option(names = "--json", description = "Print JSON at the end.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    String list = list();
    Share share = distribute == null ? Share.ALL : Share.parse(distribute);
    Storage where = storage;
    if (where == null) {
      where = distribute == null ? Storage.DISK : Storage.MEMCACHED;
    }
    long windowBytes = windowBytes();
    WarmupHandle warmups;
    int id;
    try (GivenList given = list == null ? null : GivenList.open(list)) {
      MountHandle mount =
          WarmupPaths.mountOf(
              paths, given == null ? null : given.fromTheBeginning(), failed.separator());
      warmups = new WarmupHandle(mount);
      WarmupHandle.Request request =
          warmups.request(
              new JobRequest(
                  JobKind.ADD,
                  paths.isEmpty() ? String.valueOf(list) : String.join(" ", paths),
                  where,
                  threads,
                  bandwidth == null ? 0 : ByteSize.parse("--bandwidth", bandwidth),
                  pin,
                  force,
                  share,
                  windowBytes));
      WarmupPaths translate = new WarmupPaths(mount);
      for (String path : paths) {
        translate.argument(path, request);
      }
      if (given != null) {
        translate.list(given.fromTheBeginning(), failed.separator(), request);
      }
      id = request.begin();
    }
    return detached ? told(warmups, id) : watched(warmups, id);
  }

  private @Nullable String list() {
    if ((order == null) != (window == null)) {
      throw new IllegalArgumentException("options --order and --window go together");
    }
    if (order != null && (fileList != null || !paths.isEmpty())) {
      throw new IllegalArgumentException("option --order says what to warm: give nothing else");
    }
    if (detached && failed.isWanted()) {
      throw new IllegalArgumentException(
          "option --failed-to needs the job's end: use 'curvefs warmup status JOB --failed-to'");
    }
    return order == null ? fileList : order;
  }

  private long windowBytes() {
    if (window == null) {
      return 0;
    }
    long bytes = ByteSize.parse("--window", window);
    if (bytes == 0) {
      throw new IllegalArgumentException("option --window must be above 0");
    }
    return bytes;
  }

  private int told(WarmupHandle warmups, int id) {
    if (json) {
      Json.print(Map.of("mount", warmups.mount().root().toString(), "id", id));
    } else {
      System.out.println(id);
    }
    return 0;
  }

  private int watched(WarmupHandle warmups, int id) throws IOException, InterruptedException {
    String call = " " + id + " --mount " + warmups.mount().root();
    Thread leaving =
        new Thread(
            () ->
                System.err.println(
                    "\ncurvefs: the job goes on: 'curvefs warmup status"
                        + call
                        + " --watch', or 'curvefs warmup cancel"
                        + call
                        + "'"));
    Runtime.getRuntime().addShutdownHook(leaving);
    JobStatus job;
    try {
      job = WarmupProgress.await(warmups, id, json);
    } finally {
      Runtime.getRuntime().removeShutdownHook(leaving);
    }
    failed.write(warmups, job);
    if (json) {
      Json.print(WarmupReport.json(warmups, job));
    } else {
      WarmupReport.end(warmups, job);
    }
    return WarmupReport.exit(job);
  }
}
