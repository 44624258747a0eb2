package io.curvefs.objectstore.embedded;

import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/**
 * An S3 service over a local directory, served by s3proxy on at most {@value #THREADS_MAX} threads.
 * Any number of threads may use the instance.
 *
 * <p><b>Durability:</b> it never calls fsync, so objects acknowledged shortly before a power
 * failure may be lost; those acknowledged before the mere process died are safe. A process that
 * dies in the middle of a put leaves a file named {@code <key>-<uuid>}, which listings show. For
 * data that matters use a real object store.
 *
 * <p>A listing walks the whole directory below its prefix for each page. It logs to {@code
 * org.gaul} through SLF4J.
 */
public final class EmbeddedS3Server implements AutoCloseable {

  private static final int THREADS_MAX = 64;

  private final EmbeddedS3Options options;
  private final S3Proxy proxy;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EmbeddedS3Server(EmbeddedS3Options options, S3Proxy proxy) {
    this.options = options;
    this.proxy = proxy;
  }

  /**
   * Creates the directory and the buckets and serves them.
   *
   * @throws IOException when the directory cannot be used or the port is taken; the message names
   *     it and the remedy
   */
  public static EmbeddedS3Server start(EmbeddedS3Options options) throws IOException {
    BlobStore store = open(options);
    S3Proxy.Builder builder =
        S3Proxy.builder()
            .blobStore(
                options.latency().isZero() ? store : new SlowBlobStore(store, options.latency()))
            .endpoint(URI.create(url(options.host(), options.port())))
            .jettyMaxThreads(THREADS_MAX)
            .stopTimeout(0);
    options
        .keys()
        .ifPresentOrElse(
            keys ->
                builder.awsAuthentication(
                    AuthenticationType.AWS_V4, keys.accessKey(), keys.secretKey()),
            () -> builder.awsAuthentication(AuthenticationType.NONE, null, null));
    EmbeddedS3Server server = new EmbeddedS3Server(options, builder.build());
    try {
      server.proxy.start();
      return server;
    } catch (Exception e) {
      server.close();
      throw new IOException(
          "the embedded S3 server cannot listen on %s port %d (%s): choose another address or port"
              .formatted(options.host(), options.port(), e.getMessage()),
          e);
    }
  }

  /** The URL it serves, with the port it really has. */
  public String endpoint() {
    return url(options.host(), proxy.getPort());
  }

  /** Where a client on this host finds one of its buckets. */
  public S3Location location(String bucket) {
    S3Credentials keys = options.keys().orElseGet(() -> S3Credentials.of("anyone", "anything"));
    return new S3Location(bucket, endpoint(), "us-east-1", keys);
  }

  /** Stops serving at once; requests under way break off. May be repeated. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      proxy.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      throw new IllegalStateException(
          "the embedded S3 server at " + options.host() + " does not stop", e);
    }
  }

  private static BlobStore open(EmbeddedS3Options options) throws IOException {
    Path directory = options.directory();
    try {
      Files.createDirectories(directory);
      BlobStore store = new FilesystemNio2BlobStore(directory.toString());
      for (String bucket : options.buckets()) {
        if (!store.containerExists(bucket)) {
          store.createContainer(bucket);
        }
      }
      return store;
    } catch (IOException | UncheckedIOException e) {
      throw new IOException(
          "the embedded S3 server cannot keep its objects in %s (%s): choose a directory it may write"
              .formatted(directory, e),
          e);
    }
  }

  private static String url(String host, int port) {
    return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
