package io.curvefs.client.cli;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lists jobs. */
@Command(
    name = "list",
    description = "List the jobs of a mount, or of every mount of this host.",
    mixinStandardHelpOptions = true)
final class WarmupListCommand implements Callable<Integer> {
  @Parameters(index = "0", arity = "0..1", paramLabel = "DIR", description = "In the mount.")
  private @Nullable Path directory;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    List<MountHandle> mounts =
        directory == null
            ? MountHandle.all()
            : List.of(MountHandle.containing(directory.toAbsolutePath()));
    Map<String, List<JobStatus>> all = new LinkedHashMap<>();
    int exit = 0;
    for (MountHandle mount : mounts) {
      try {
        all.put(mount.root().toString(), new WarmupHandle(mount).jobs());
      } catch (IOException e) {
        System.err.println("curvefs: " + e.getMessage());
        exit = 1;
      }
    }
    if (json) {
      Json.print(all);
      return exit;
    }
    all.forEach(
        (mount, jobs) -> {
          System.out.println(mount + (jobs.isEmpty() ? ": no warmups" : ":"));
          jobs.forEach(job -> System.out.println("  " + WarmupReport.line(job)));
        });
    return exit;
  }
}
