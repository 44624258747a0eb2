package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Shell;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Three metaservers, of which one dies in the middle of the work. */
@Timeout(300)
@Tag("volumes")
class LeaderKillTest {
  private Cluster cluster;
  private Mount mount;

  @BeforeEach
  void start() {
    cluster = new Cluster(3);
    cluster.createFileSystem("three");
    mount = cluster.mount("three");
    Shell.bash(
        mount.root(),
        "mkdir source && (cd "
            + Checkout.HOME
            + " && tar c --exclude=target --exclude=dist --exclude=.git .) | tar x -C source");
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void killing_each_server_in_turn_during_copies_loses_nothing() throws Exception {
    for (int victim = 1; victim <= 3; victim++) {
      String copy = "copy" + victim;
      CompletableFuture<Shell.Result> copying =
          CompletableFuture.supplyAsync(() -> Shell.tryBash(mount.root(), "cp -a source " + copy));
      Await.until(
          "the beginning of a copy",
          Duration.ofSeconds(120),
          () ->
              copying.isDone()
                  || Integer.parseInt(
                          Shell.bash(mount.root(), "find " + copy + " 2>/dev/null | wc -l || true")
                              .strip())
                      > 20);
      assertThat(copying.isDone()).as("the kill comes in the middle").isFalse();
      cluster.metaserver(victim).kill();

      assertThat(copying.get().ok().exit()).isZero();
      assertThat(Shell.bash(mount.root(), "diff -r source " + copy + " && echo same"))
          .isEqualTo("same\n");
      cluster.startMetaserver(victim);
    }
    mount.unmount();
    mount.mount();
    assertThat(
            Shell.bash(
                mount.root(),
                "diff -r source copy1 && diff -r source copy2 && diff -r source copy3 && echo same"))
        .isEqualTo("same\n");
  }

  @Test
  void without_a_majority_operations_end_with_an_error_and_go_on_when_it_is_back() {
    Mount impatient = cluster.mount("three", "meta_timeout=6");
    cluster.metaserver(1).kill();
    cluster.metaserver(2).kill();
    long begun = System.nanoTime();
    // From outside: a command that is started in the mount has to enter it first.
    Path outside = Path.of("/");
    assertThat(Shell.tryBash(outside, "mkdir " + impatient.root().resolve("minority")).err())
        .contains("Input/output error");
    assertThat(System.nanoTime() - begun).isLessThan(30_000_000_000L);
    cluster.startMetaserver(1);

    Await.until(
        "a majority",
        Duration.ofSeconds(60),
        () ->
            Shell.tryBash(outside, "mkdir -p " + impatient.root().resolve("majority")).exit() == 0);
    impatient.unmount();
  }
}
