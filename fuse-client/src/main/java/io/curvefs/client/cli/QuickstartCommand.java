package io.curvefs.client.cli;

import io.curvefs.client.quickstart.Home;
import io.curvefs.client.quickstart.Layout;
import io.curvefs.client.quickstart.Quickstart;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Brings a small cluster up on this machine and measures it. */
@Command(
    name = "quickstart",
    description = {
      "Install what is missing, build, start an S3 store and a metaserver on this machine, mount,",
      "copy a small training set in and measure how it is read. Run it again to measure again and",
      "to start what has died; 'curvefs stop' ends it."
    },
    mixinStandardHelpOptions = true)
final class QuickstartCommand implements Callable<Integer> {
  @Option(
      names = "--mount",
      paramLabel = "DIR",
      description = "Where to mount. Default: where it was, else ~/curvefs")
  private @Nullable Path mount;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Of servers, caches and logs. Default: ~/.curvefs-quickstart")
  private @Nullable Path data;

  @Override
  public Integer call() throws IOException {
    new Quickstart(Layout.of(data, mount), Home.ofThisProcess(), QuickstartCommand::ask, System.out)
        .run();
    return 0;
  }

  private static CoordinateReply ask(
      HostPort server, CoordinateRequest.Builder request, Duration bound) throws IOException {
    try (AdminClient client = new AdminClient(List.of(server))) {
      return client.ask(request, bound);
    }
  }
}
