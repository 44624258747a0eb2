package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.curvefs.objectstore.BucketProbe;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.embedded.EmbeddedS3Options;
import io.curvefs.objectstore.embedded.EmbeddedS3Server;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class S3LifecycleTest {

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .collect(Collectors.toSet());
  }

  private static void useOnce(Path directory) throws Exception {
    int before = threads().size();
    try (EmbeddedS3Server server =
            EmbeddedS3Server.start(EmbeddedS3Options.in(directory, "bucket"));
        S3ObjectStore store = S3ObjectStore.open(server.location("bucket"), S3Limits.DEFAULTS)) {
      BucketProbe.check(store, "");
      assertThat(threads()).hasSizeGreaterThan(before);
    }
  }

  @Test
  @Timeout(30)
  void closing_ends_every_thread_of_store_and_server(@TempDir Path directory) throws Exception {
    useOnce(directory); // what the SDK keeps once for the whole JVM is there now
    Set<Thread> before = threads();
    useOnce(directory);
    Set<Thread> left = threads();
    left.removeAll(before);
    // Some end a moment after close, and Netty keeps one for a second more.
    for (Thread thread : left) {
      thread.join(10_000);
      assertThat(thread.isAlive()).as(thread.getName()).isFalse();
    }
  }

  @Test
  void opening_asks_the_network_nothing_and_is_quick() {
    S3Location nowhere =
        new S3Location("bucket", "http://nowhere.invalid", "us-east-1", S3Credentials.of("a", "b"));
    S3ObjectStore.open(nowhere, S3Limits.DEFAULTS).close(); // loads the classes
    long start = System.nanoTime();
    S3ObjectStore.open(nowhere, S3Limits.DEFAULTS).close();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
  }

  @Test
  @Timeout(10)
  void no_call_hangs_when_the_store_closes_under_it(@TempDir Path directory) throws Exception {
    EmbeddedS3Options slow =
        EmbeddedS3Options.in(directory, "bucket").withLatency(Duration.ofSeconds(1));
    try (EmbeddedS3Server server = EmbeddedS3Server.start(slow)) {
      for (int pauseMillis : new int[] {0, 0, 0, 20, 200}) {
        S3ObjectStore store = S3ObjectStore.open(server.location("bucket"), S3Limits.DEFAULTS);
        CompletableFuture<Void> put = store.put("k", List.of(ByteBuffer.allocateDirect(100)));
        CompletableFuture<Throwable> listing = new CompletableFuture<>();
        Thread lister =
            new Thread(() -> listing.complete(catchThrowable(() -> store.list("", null, 1))));
        lister.start();
        TimeUnit.MILLISECONDS.sleep(pauseMillis); // lets the calls come a different way each time
        store.close();
        assertThat(put).isDone();
        assertThat(put.handle((done, failure) -> failure).get())
            .hasMessageContaining("the store is closed");
        Throwable refusal = listing.get();
        assertThat(refusal == null || refusal.getMessage().contains("the store is closed"))
            .as(String.valueOf(refusal))
            .isTrue();
      }
    }
  }
}
