package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.defrag.Defragmenter;
import io.curvefs.client.defrag.Totals;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.pace.Bandwidth;
import io.curvefs.client.volume.KnownVolumes;
import io.curvefs.client.volume.Mover;
import io.curvefs.proto.Session;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Moves what lies in pieces on volumes. */
@Command(
    name = "defrag",
    description = {
      "Move files that lie in pieces to where they lie in one, while the file system is in use.",
      "Runs on a host that reaches the volumes, as a mount does. A chunk (64 MiB of a file) that lies in",
      "more than one piece is copied to free space and then committed in one step: it may be ended at",
      "any time, what was moved stays moved. Every fragmented file ends moved, skipped or failed, with",
      "its reason: files that are open, or were within the last seconds, are skipped, as are those for",
      "which there is no long enough free space. Moved blocks rest as freed ones do.",
      "Exit status 0: none has failed."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  curvefs volume defrag fast --meta HOST1:6700 --plan            what would be moved; changes nothing",
      "  curvefs volume defrag fast --meta HOST1:6700 --bandwidth 100M  at most 100 MiB of files a second"
    },
    mixinStandardHelpOptions = true)
final class VolumeDefragCommand implements Callable<Integer> {
  private static final Duration CONNECT_MAX = Duration.ofSeconds(15);

  @Mixin private FsCommand.Servers servers;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name;

  @Option(names = "--plan", description = "Say what would be moved; change nothing.")
  private boolean plan;

  @Option(
      names = "--bandwidth",
      paramLabel = "SIZE",
      description =
          "Most bytes of files a second, such as 100M; each is read and written. Default: no limit")
  private @Nullable String bandwidth;

  @Option(names = "--json", description = "Print JSON at the end.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Bandwidth limit =
        Bandwidth.of(bandwidth == null ? 0 : ByteSize.parse("--bandwidth", bandwidth));
    try (AdminClient client = servers.connect()) {
      VolumeFileSystems.require(
          client.route(name, VolumeCommand.BOUND), "objects of a bucket do not lie in pieces");
    }
    try (MetaClient meta = connect()) {
      NamespaceClient namespace = new NamespaceClient(meta, MetaOptions.DEFAULTS);
      Defragmenter defragmenter = new Defragmenter(namespace);
      if (plan) {
        DefragReport report = new DefragReport(name, defragmenter.survey());
        report.print(json);
        return 0;
      }
      KnownVolumes volumes = new KnownVolumes(meta);
      try (Mover mover = Mover.open(namespace, volumes, volumes.numbers(), limit)) {
        DefragReport report = new DefragReport(name, defragmenter.survey());
        Totals after;
        try (DefragProgress progress = new DefragProgress(report, json)) {
          after = defragmenter.run(mover, progress);
        }
        report.ended(after);
        report.print(json);
        return report.exit();
      }
    }
  }

  private MetaClient connect() throws IOException {
    return MetaClient.connect(
        servers.addresses(),
        name,
        Session.newBuilder()
            .setHost(hostName())
            .setMountPoint("curvefs volume defrag")
            .setPid(ProcessHandle.current().pid())
            .build(),
        MetaOptions.DEFAULTS,
        CONNECT_MAX,
        WallClock.SYSTEM,
        new SimpleMeterRegistry());
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }
}
