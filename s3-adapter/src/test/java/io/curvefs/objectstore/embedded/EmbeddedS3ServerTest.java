package io.curvefs.objectstore.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.objectstore.BucketProbe;
import io.curvefs.objectstore.aws.S3Limits;
import io.curvefs.objectstore.aws.S3ObjectStore;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedS3ServerTest {

  @TempDir private Path directory;

  private static S3ObjectStore open(EmbeddedS3Server server, String bucket) {
    return S3ObjectStore.open(server.location(bucket), S3Limits.DEFAULTS);
  }

  @Test
  void objects_are_there_again_after_a_restart_on_the_same_port() throws Exception {
    EmbeddedS3Options options = EmbeddedS3Options.in(directory.resolve("new/deep"), "one", "two");
    int port;
    try (EmbeddedS3Server server = EmbeddedS3Server.start(options);
        S3ObjectStore store = open(server, "one")) {
      port = URI.create(server.endpoint()).getPort();
      store.putAndWait("k", List.of(ByteBuffer.wrap(new byte[] {1, 2, 3})));
    }
    try (EmbeddedS3Server server = EmbeddedS3Server.start(options.listeningOn("127.0.0.1", port));
        S3ObjectStore one = open(server, "one");
        S3ObjectStore two = open(server, "two")) {
      ByteBuffer into = ByteBuffer.allocate(3);
      one.get("k", 3, 0, 3, List.of(into));
      assertThat(into.array()).containsExactly(1, 2, 3);
      assertThat(two.list("", null, 1).objects()).isEmpty();
    }
  }

  @Test
  void every_request_takes_at_least_the_latency() throws Exception {
    Duration latency = Duration.ofMillis(150);
    try (EmbeddedS3Server server =
            EmbeddedS3Server.start(EmbeddedS3Options.in(directory, "bucket").withLatency(latency));
        S3ObjectStore store = open(server, "bucket")) {
      long start = System.nanoTime();
      BucketProbe.check(store, ""); // put, get, get, list, delete
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(latency.multipliedBy(5));
      start = System.nanoTime();
      store.delete(List.of("a", "b"));
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(latency);
    }
  }

  @Test
  void a_taken_port_is_named() throws Exception {
    EmbeddedS3Options options = EmbeddedS3Options.in(directory, "bucket");
    try (EmbeddedS3Server server = EmbeddedS3Server.start(options)) {
      int port = URI.create(server.endpoint()).getPort();
      assertThatThrownBy(() -> EmbeddedS3Server.start(options.listeningOn("127.0.0.1", port)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("127.0.0.1 port " + port)
          .hasMessageContaining("choose another");
    }
  }

  @Test
  void a_directory_that_cannot_be_is_named() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "x");
    assertThatThrownBy(() -> EmbeddedS3Server.start(EmbeddedS3Options.in(file, "bucket")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("choose a directory");
    assertThatThrownBy(
            () -> EmbeddedS3Server.start(EmbeddedS3Options.in(file.resolve("below"), "bucket")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("choose a directory");
  }

  @Test
  void a_server_may_be_stopped_twice() throws Exception {
    EmbeddedS3Server server = EmbeddedS3Server.start(EmbeddedS3Options.in(directory, "bucket"));
    server.close();
    server.close();
  }
}
