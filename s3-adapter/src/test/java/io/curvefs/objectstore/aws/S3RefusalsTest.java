package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.curvefs.objectstore.BucketProbe;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.embedded.EmbeddedS3Options;
import io.curvefs.objectstore.embedded.EmbeddedS3Server;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each way to get the configuration wrong ends soon, in the right kind, and with a message that
 * names the remedy.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class S3RefusalsTest {

  private static final S3Limits HURRIED = S3Limits.DEFAULTS.withTotalBound(Duration.ofSeconds(3));
  private static final S3Credentials.StaticKeys KEYS = S3Credentials.of("access", "topsecret");

  private EmbeddedS3Server server;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    server = EmbeddedS3Server.start(EmbeddedS3Options.in(directory, "bucket").withKeys(KEYS));
    try (S3ObjectStore store = S3ObjectStore.open(server.location("bucket"), S3Limits.DEFAULTS)) {
      BucketProbe.check(store, ""); // the first call of a JVM loads a thousand classes
    }
  }

  @AfterAll
  void stop() {
    server.close();
  }

  /** Every operation of the port fails in the same way; the message comes from the probe. */
  private static String refusal(S3Location location, Kind expected) throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    long start = System.nanoTime();
    try (S3ObjectStore store = S3ObjectStore.open(location, HURRIED)) {
      List<ThrowingCallable> calls = new ArrayList<>();
      calls.add(() -> BucketProbe.check(store, ""));
      calls.add(() -> store.putAndWait("k", List.of(ByteBuffer.allocateDirect(4096))));
      calls.add(() -> store.get("k", 4096, 0, 4096, List.of(ByteBuffer.allocateDirect(4096))));
      calls.add(() -> store.list("", null, 1));
      if (expected
          != Kind.NO_SUCH_BUCKET) { // s3proxy lets one delete in a bucket that is not there
        calls.add(() -> store.delete(List.of("k", "l")));
      }
      List<Future<ObjectStoreException>> failures = new ArrayList<>();
      for (ThrowingCallable call : calls) {
        failures.add(threads.submit(() -> requireKind(expected, call)));
      }
      ObjectStoreException probe = failures.get(0).get();
      for (Future<ObjectStoreException> failure : failures) {
        failure.get();
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
      for (Throwable t = probe; t != null; t = t.getCause()) {
        assertThat(t.toString()).doesNotContain("topsecret");
      }
      assertThat(probe.getMessage()).doesNotContain("\n");
      return probe.getMessage();
    } finally {
      threads.shutdownNow();
    }
  }

  private static ObjectStoreException requireKind(Kind expected, ThrowingCallable call) {
    ObjectStoreException failure = catchThrowableOfType(ObjectStoreException.class, call);
    assertThat(failure).isNotNull();
    assertThat(failure.kind()).as(failure.getMessage()).isEqualTo(expected);
    return failure;
  }

  @Test
  void an_unknown_access_key_is_denied() throws Exception {
    S3Location location =
        new S3Location(
            "bucket", server.endpoint(), "us-east-1", S3Credentials.of("nobody", "topsecret"));
    assertThat(refusal(location, Kind.ACCESS_DENIED))
        .isEqualTo(
            "access to bucket 'bucket' denied (InvalidAccessKeyId): check --access-key/--secret-key or the AWS"
                + " credential chain");
  }

  @Test
  void a_wrong_secret_is_denied_and_not_told() throws Exception {
    S3Location location =
        new S3Location(
            "bucket", server.endpoint(), "us-east-1", S3Credentials.of("access", "nottopsecret"));
    assertThat(refusal(location, Kind.ACCESS_DENIED))
        .contains("SignatureDoesNotMatch", "--secret-key");
    assertThat(location.toString()).contains("access").doesNotContain("topsecret");
  }

  @Test
  void a_missing_bucket_is_named() throws Exception {
    S3Location location = new S3Location("nowhere", server.endpoint(), "us-east-1", KEYS);
    assertThat(refusal(location, Kind.NO_SUCH_BUCKET))
        .isEqualTo(
            "bucket 'nowhere' does not exist at "
                + server.endpoint()
                + ": create it, or name another with --bucket");
  }

  @Test
  void a_dead_endpoint_is_unreachable() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    S3Location location = new S3Location("bucket", "http://127.0.0.1:" + port, "us-east-1", KEYS);
    assertThat(refusal(location, Kind.UNREACHABLE))
        .isEqualTo(
            "no S3 endpoint answers at http://127.0.0.1:"
                + port
                + " (no connection): check --endpoint");
  }

  @Test
  void an_unknown_host_is_unreachable() throws Exception {
    S3Location location =
        new S3Location("bucket", "http://nowhere.invalid:9000", "us-east-1", KEYS);
    assertThat(refusal(location, Kind.UNREACHABLE))
        .isEqualTo(
            "no S3 endpoint answers at http://nowhere.invalid:9000 (its host name is unknown): check --endpoint");
  }

  @Test
  void https_to_a_plain_http_endpoint_is_unreachable() throws Exception {
    S3Location location =
        new S3Location("bucket", server.endpoint().replace("http:", "https:"), "us-east-1", KEYS);
    assertThat(refusal(location, Kind.UNREACHABLE))
        .contains("no S3 endpoint answers at https:", "--endpoint");
    try (S3ObjectStore store = S3ObjectStore.open(location, HURRIED)) {
      assertThat(requireKind(Kind.UNREACHABLE, () -> store.list("", null, 1)))
          .hasMessageContaining("no secure connection");
    }
  }

  @Test
  void missing_credentials_are_denied() throws Exception {
    List<String> switches =
        List.of("aws.disableEc2Metadata", "aws.sharedCredentialsFile", "aws.configFile");
    switches.forEach(
        name -> System.setProperty(name, name.startsWith("aws.disable") ? "true" : "/nonexistent"));
    try {
      S3Location location =
          new S3Location("bucket", server.endpoint(), "us-east-1", S3Credentials.defaultChain());
      assertThat(refusal(location, Kind.ACCESS_DENIED))
          .contains("no credentials found", "credential chain");
    } finally {
      switches.forEach(System::clearProperty);
    }
  }
}
