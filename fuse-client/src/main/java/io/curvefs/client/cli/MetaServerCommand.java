package io.curvefs.client.cli;

import io.curvefs.id.ServerId;
import io.curvefs.metaserver.raft.RaftSettings;
import io.curvefs.metaserver.server.MetaServer;
import io.curvefs.metaserver.server.MetaServerConfig;
import io.curvefs.metrics.MetricsEndpoint;
import io.curvefs.rpc.HostPort;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs one metaserver until it is ended. */
@Command(
    name = "metaserver",
    description = "Run a metaserver. One alone serves everything; three survive the loss of one.",
    mixinStandardHelpOptions = true)
final class MetaServerCommand implements Callable<Integer> {
  @Spec private CommandLine.Model.CommandSpec command;

  @Option(
      names = ConfigFile.OPTION,
      paramLabel = "FILE",
      description = "Options as 'key = value' lines, without dashes; the command line wins.")
  private @Nullable Path config;

  @Option(names = "--id", paramLabel = "N", description = "Of this server, unique for ever.")
  private @Nullable Integer id;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "For clients; raft uses the next port.")
  private @Nullable String listen;

  @Option(names = "--data-dir", paramLabel = "DIR", description = "Of this server alone.")
  private @Nullable Path dataDirectory;

  @Option(
      names = "--peers",
      paramLabel = "ID=HOST:PORT,...",
      description = "All metaservers, this one too. Default: this one alone.")
  private @Nullable String peers;

  @Option(
      names = "--groups",
      paramLabel = "N",
      description =
          "Data groups of a new cluster. Default: " + MetaServerConfig.DATA_GROUPS_DEFAULT)
  private int groups = MetaServerConfig.DATA_GROUPS_DEFAULT;

  @Option(
      names = "--block-cache-mib",
      paramLabel = "MIB",
      description = "Memory for rows read from disk. Default: 256")
  private long blockCacheMib = MetaServerConfig.BLOCK_CACHE_BYTES_DEFAULT >> 20;

  @Option(
      names = "--write-buffer-mib",
      paramLabel = "MIB",
      description = "Memory for rows not yet flushed. Default: 128")
  private long writeBufferMib = MetaServerConfig.WRITE_BUFFER_BYTES_DEFAULT >> 20;

  @Option(
      names = "--metrics",
      paramLabel = "HOST:PORT",
      description = "Serve http://HOST:PORT/metrics to Prometheus; port 0: any free one.")
  private @Nullable String metrics;

  @Option(
      names = "--election-millis",
      paramLabel = "N",
      description = "Silence of a leader before an election. Default: 2000")
  private int electionMillis = RaftSettings.DEFAULT.electionMillis();

  @Override
  public Integer call() throws Exception {
    if (config != null) {
      CommandLine line = command.commandLine();
      String[] arguments =
          line.getParseResult().originalArgs().stream()
              .dropWhile(argument -> !argument.equals(command.name()))
              .skip(1)
              .toArray(String[]::new);
      line.setDefaultValueProvider(new ConfigFile(config, line));
      line.parseArgs(arguments);
    }
    if (id == null || listen == null || dataDirectory == null) {
      throw new IllegalArgumentException(
          "--id, --listen and --data-dir are needed, on the command line or in --config FILE");
    }
    HostPort address = HostPort.parse(listen);
    ServerId server = new ServerId(id);
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    MetricsEndpoint endpoint =
        metrics == null
            ? null
            : MetricsEndpoint.start(HostPort.parse(metrics), registry, "--metrics");
    MetaServer running =
        MetaServer.start(
            new MetaServerConfig(
                server,
                address,
                dataDirectory,
                peers == null ? Map.of(server, address) : MetaServerConfig.parsePeers(peers),
                groups,
                blockCacheMib << 20,
                writeBufferMib << 20,
                new RaftSettings(
                    electionMillis,
                    RaftSettings.DEFAULT.snapshotSeconds(),
                    RaftSettings.DEFAULT.snapshotEntriesMin())),
            registry,
            message -> {
              System.err.println("curvefs: " + message);
              Runtime.getRuntime().halt(CommandLine.ExitCode.SOFTWARE);
            });
    Runtime.getRuntime().addShutdownHook(new Thread(running::close, "stop"));
    if (endpoint != null) {
      System.out.println("metrics are at " + endpoint.url());
    }
    System.out.println("metaserver " + id + " listens on " + address);
    new CountDownLatch(1).await(); // until the process is ended
    return 0;
  }
}
