package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.OnBuckets;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Processes that die: what was acknowledged is still there. */
@Timeout(300)
@Tag("volumes")
class CrashTest {
  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster = new Cluster(1);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static long checksum(byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content);
    return crc.getValue();
  }

  /** Writes and fsyncs small files until it cannot; remembers those that were acknowledged. */
  private static Thread writer(Path directory, Map<String, Long> acknowledged, AtomicBoolean stop) {
    Thread thread =
        new Thread(
            () -> {
              Random random = new Random(1);
              for (int i = 0; !stop.get(); i++) {
                byte[] content = new byte[1 + random.nextInt(60_000)];
                random.nextBytes(content);
                Path file = directory.resolve("f" + i);
                try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                  out.write(content);
                  out.getFD().sync();
                } catch (IOException e) {
                  return;
                }
                acknowledged.put("f" + i, checksum(content));
              }
            });
    thread.start();
    return thread;
  }

  private static void checkAll(Path directory, Map<String, Long> acknowledged) throws IOException {
    for (Map.Entry<String, Long> entry : acknowledged.entrySet()) {
      byte[] content = Files.readAllBytes(directory.resolve(entry.getKey()));
      assertThat(checksum(content)).as(entry.getKey()).isEqualTo(entry.getValue());
    }
  }

  @Test
  void after_kill_9_of_the_client_a_fresh_mount_has_everything_that_was_synced() throws Exception {
    cluster.createFileSystem("killed");
    Mount mount = cluster.mount("killed");
    for (int round = 0; round < 3; round++) {
      Path directory = Files.createDirectory(mount.path("round" + round));
      Map<String, Long> acknowledged = new ConcurrentHashMap<>();
      Thread writer = writer(directory, acknowledged, new AtomicBoolean());
      while (acknowledged.size() < 40) {
        Thread.onSpinWait();
      }
      mount.kill();
      writer.join();
      assertThatThrownBy(() -> Files.getLastModifiedTime(mount.root()))
          .as("the dead mount")
          .hasMessageContaining("not connected");
      mount.mount(); // takes the dead one away by itself

      assertThat(acknowledged).as("writes before the kill").hasSizeGreaterThanOrEqualTo(40);
      checkAll(directory, acknowledged);
      mount.dropCaches();
      checkAll(directory, acknowledged);
    }
    mount.unmount();
  }

  @Test
  void after_kill_9_of_everything_the_tree_is_the_same() throws Exception {
    cluster.createFileSystem("restarted");
    Mount mount = cluster.mount("restarted");
    Shell.bash(
        mount.root(),
        "cp -a "
            + Checkout.HOME.resolve("docs")
            + " "
            + Checkout.HOME.resolve("proto/src")
            + " . && ln -s x l && mkfifo p");
    Files.writeString(mount.path("last"), "last");
    String before =
        Shell.bash(
            mount.root(), "ls -lR --time-style=full-iso; find . -type f | sort | xargs md5sum");
    cluster.metaserver(1).kill();
    cluster.s3().kill();
    mount.kill();
    cluster.startS3();
    cluster.startMetaserver(1);
    mount.mount();

    assertThat(
            Shell.bash(
                mount.root(), "ls -lR --time-style=full-iso; find . -type f | sort | xargs md5sum"))
        .isEqualTo(before);
    mount.unmount();
  }

  @Test
  void a_mount_goes_on_when_its_metaserver_comes_back() throws Exception {
    cluster.createFileSystem("goes-on");
    Mount mount = cluster.mount("goes-on");
    Files.writeString(mount.path("before"), "before");
    AtomicBoolean stop = new AtomicBoolean();
    Map<String, Long> acknowledged = new ConcurrentHashMap<>();
    Thread writer = writer(mount.root(), acknowledged, stop);
    while (acknowledged.size() < 10) {
      Thread.onSpinWait();
    }
    cluster.metaserver(1).kill();
    int atKill = acknowledged.size();
    cluster.startMetaserver(1);
    while (acknowledged.size() < atKill + 10) {
      Thread.onSpinWait();
      assertThat(writer.isAlive()).as("no write may fail over a restart").isTrue();
    }
    stop.set(true);
    writer.join();

    checkAll(mount.root(), acknowledged);
    assertThat(Files.readString(mount.path("before"))).isEqualTo("before");
    mount.unmount();
  }

  @Test
  void a_mount_without_metaservers_is_not_taken_for_dead() throws Exception {
    cluster.createFileSystem("not-dead");
    Mount mount = cluster.mount("not-dead", "meta_timeout=3", "attr_timeout=0");
    ProcessHandle process = ProcessHandle.of(mount.pid()).orElseThrow();
    cluster.metaserver(1).kill();
    try {
      assertThatThrownBy(() -> Files.getLastModifiedTime(mount.root()))
          .hasMessageContaining("Input/output error");
      assertThat(mount.tryMount().oneLineError()).contains("mounted already", "curvefs umount");
      assertThat(mount.isMounted()).isTrue();

      Shell.Result unmounted = Shell.run(Checkout.CURVEFS, "umount", mount.root()).ok();
      assertThat(unmounted.err()).doesNotContain("dead").contains("unmounting all the same");
      assertThat(process.isAlive()).as("the process after its unmount").isFalse();
      assertThat(mount.isMounted()).isFalse();
    } finally {
      cluster.startMetaserver(1);
    }
  }

  @Test
  void sigterm_flushes_what_an_open_file_has_and_unmounts() throws Exception {
    cluster.createFileSystem("terminated");
    Mount mount = cluster.mount("terminated");
    ProcessHandle process = ProcessHandle.of(mount.pid()).orElseThrow();
    byte[] content = new byte[3_000_000];
    new Random(3).nextBytes(content);
    try (RandomAccessFile open = new RandomAccessFile(mount.path("open").toFile(), "rw")) {
      open.write(content); // neither synced nor closed
      process.destroy();
      Mount.awaitEnd(process);
    } catch (IOException e) {
      // The close finds its mount gone.
    }
    assertThat(mount.isMounted()).isFalse();
    mount.mount();

    assertThat(Files.readAllBytes(mount.path("open"))).isEqualTo(content);
    mount.unmount();
  }

  @Test
  @OnBuckets("the object store dies")
  void when_the_object_store_is_gone_fsync_says_so_within_the_bound_and_works_again_later()
      throws Exception {
    cluster.createFileSystem("outage");
    Mount mount = cluster.mount("outage", "s3_timeout=5");
    Files.writeString(mount.path("first"), "first");
    cluster.s3().kill();
    long begun = System.nanoTime();
    assertThatThrownBy(() -> Files.writeString(mount.path("lost"), "lost"))
        .hasMessageContaining("Input/output error");
    assertThat(System.nanoTime() - begun).isLessThan(30_000_000_000L);
    assertThat(mount.log()).contains("upload failed");
    assertThatThrownBy(
            () -> {
              mount.dropCaches();
              Files.readString(mount.path("first"));
            })
        .hasMessageContaining("Input/output error");
    cluster.startS3();

    Files.writeString(mount.path("again"), "again");
    mount.dropCaches();
    assertThat(Files.readString(mount.path("again"))).isEqualTo("again");
    assertThat(Files.readString(mount.path("first"))).isEqualTo("first");
    Files.writeString(mount.path("lost"), "found", StandardOpenOption.TRUNCATE_EXISTING);
    assertThat(Files.readString(mount.path("lost"))).isEqualTo("found");
    mount.unmount();
  }

  @Test
  @OnBuckets("the object store dies")
  void what_a_failed_fsync_has_lost_is_not_shown_to_who_opens_again() throws Exception {
    cluster.createFileSystem("verified");
    Mount mount = cluster.mount("verified", "s3_timeout=5");
    Files.writeString(mount.path("f"), "old");
    cluster.s3().kill();
    assertThat(Shell.tryBash(mount.root(), "printf new | dd of=f conv=notrunc,fsync").exit())
        .isNotZero();
    cluster.startS3();

    assertThat(Files.readString(mount.path("f"))).isEqualTo("old");
    mount.unmount();
  }

  @Test
  @OnBuckets("there write(2) itself fails without a metaserver, as it needs space")
  void when_the_metaservers_are_gone_fsync_says_so_and_a_later_one_saves_the_bytes()
      throws Exception {
    cluster.createFileSystem("silent");
    Mount mount = cluster.mount("silent", "meta_timeout=5");
    try (FileChannel file =
        FileChannel.open(mount.path("f"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      cluster.metaserver(1).kill();
      Thread.sleep(21_000); // the lease
      file.write(ByteBuffer.wrap(new byte[1_000_000]));
      assertThatThrownBy(() -> file.force(true)).hasMessageContaining("Input/output error");
      cluster.startMetaserver(1);
      Await.until(
          "an fsync that succeeds",
          Duration.ofSeconds(60),
          () -> {
            try {
              file.force(true);
              return true;
            } catch (IOException e) {
              return false;
            }
          });
    }
    mount.dropCaches();
    assertThat(Files.readAllBytes(mount.path("f"))).hasSize(1_000_000);
    mount.unmount();
  }
}
