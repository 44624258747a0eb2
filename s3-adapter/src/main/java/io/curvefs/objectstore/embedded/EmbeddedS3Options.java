package io.curvefs.objectstore.embedded;

import io.curvefs.objectstore.S3Credentials;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What an {@link EmbeddedS3Server} is to be.
 *
 * @param directory holds one subdirectory per bucket; created if missing. Its file system must
 *     allow user extended attributes, or checksums are lost.
 * @param host address to listen on. On anything but a loopback address give keys too.
 * @param port 1 to 65535, or 0 for any free one
 * @param keys the only keys that are let in; empty lets in everybody
 * @param buckets exist once the server has started
 * @param latency added to each request on an object or listing
 */
public record EmbeddedS3Options(
    Path directory,
    String host,
    int port,
    Optional<S3Credentials.StaticKeys> keys,
    List<String> buckets,
    Duration latency) {

  public EmbeddedS3Options {
    buckets = List.copyOf(buckets);
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port must be 0 to 65535, not " + port);
    }
    if (latency.isNegative()) {
      throw new IllegalArgumentException("latency must not be negative: " + latency);
    }
  }

  /** Loopback, any port, no keys, no latency. */
  public static EmbeddedS3Options in(Path directory, String... buckets) {
    return new EmbeddedS3Options(
        directory, "127.0.0.1", 0, Optional.empty(), List.of(buckets), Duration.ZERO);
  }

  public EmbeddedS3Options listeningOn(String newHost, int newPort) {
    return new EmbeddedS3Options(directory, newHost, newPort, keys, buckets, latency);
  }

  public EmbeddedS3Options withKeys(S3Credentials.StaticKeys newKeys) {
    return new EmbeddedS3Options(directory, host, port, Optional.of(newKeys), buckets, latency);
  }

  public EmbeddedS3Options withLatency(Duration newLatency) {
    return new EmbeddedS3Options(directory, host, port, keys, buckets, newLatency);
  }
}
