package io.curvefs.client.cli;

import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.embedded.EmbeddedS3Options;
import io.curvefs.objectstore.embedded.EmbeddedS3Server;
import io.curvefs.rpc.HostPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The embedded S3 endpoint: for trying things out and for tests, not for data that must last. */
@Command(
    name = "s3",
    description = {
      "Serve a local directory as S3 (s3proxy), for trials and tests.",
      "It does not fsync: not for data that must survive a power cut."
    },
    mixinStandardHelpOptions = true)
final class S3Command implements Callable<Integer> {
  @Option(names = "--data", required = true, paramLabel = "DIR", description = "Where objects lie.")
  private Path data;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:9000",
      description = "Default: ${DEFAULT-VALUE}")
  private String listen;

  @Option(
      names = "--bucket",
      paramLabel = "NAME",
      required = true,
      description = "Buckets to have from the start.")
  private List<String> buckets;

  @Option(
      names = "--access-key",
      paramLabel = "KEY",
      description = "Demand this key (with --secret-key).")
  private @Nullable String accessKey;

  @Option(names = "--secret-key", paramLabel = "KEY")
  private @Nullable String secretKey;

  @Option(
      names = "--latency-millis",
      paramLabel = "N",
      defaultValue = "0",
      description = "Delay every request, to resemble a remote store.")
  private int latencyMillis;

  @Override
  public Integer call() throws Exception {
    HostPort address = HostPort.parse(listen);
    EmbeddedS3Options options =
        EmbeddedS3Options.in(data, buckets.toArray(String[]::new))
            .listeningOn(address.host(), address.port())
            .withLatency(Duration.ofMillis(latencyMillis));
    if (accessKey != null && secretKey != null) {
      options = options.withKeys(S3Credentials.of(accessKey, secretKey));
    } else if (accessKey != null || secretKey != null) {
      throw new IllegalArgumentException("give both --access-key and --secret-key, or neither");
    }
    EmbeddedS3Server server = EmbeddedS3Server.start(options);
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop"));
    System.out.println("serving S3 at " + server.endpoint());
    new CountDownLatch(1).await(); // until the process is ended
    return 0;
  }
}
