package io.curvefs.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Ends a job. */
@Command(
    name = "cancel",
    description = "End a job; what it has cached stays cached.",
    mixinStandardHelpOptions = true)
final class WarmupCancelCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "JOB")
  private int id;

  @Option(names = "--mount", paramLabel = "DIR", description = "In the mount of the job.")
  private @Nullable Path directory;

  @Override
  public Integer call() throws IOException {
    WarmupCommand.Found found = WarmupCommand.find(id, directory);
    if (found.job().state().isEnd()) {
      System.out.println("job " + id + " has ended already");
      return 0;
    }
    if (!found.mount().cancel(id)) {
      throw new IOException("there is no warmup job " + id + " any more");
    }
    return 0;
  }
}
