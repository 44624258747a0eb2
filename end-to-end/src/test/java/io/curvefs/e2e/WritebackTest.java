package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code -o writeback}: what close and fsync have acknowledged, with the object store away. */
@Timeout(300)
class WritebackTest {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static Cluster cluster;
  private static int number;

  private String fileSystem;
  private Mount other;

  @BeforeAll
  static void start() {
    cluster = new Cluster(1);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @BeforeEach
  void createFileSystem() {
    fileSystem = "writeback-" + ++number;
    cluster.createFileSystem(fileSystem);
    other = cluster.mount(fileSystem, "attr_timeout=0", "entry_timeout=0");
  }

  @AfterEach
  void unmount() {
    other.unmount();
  }

  private Mount mount(String... options) {
    String[] all = new String[options.length + 2];
    all[0] = "writeback";
    all[1] = "s3_timeout=3";
    System.arraycopy(options, 0, all, 2, options.length);
    return cluster.mount(fileSystem, all);
  }

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static double pending(Mount mount) {
    return mount.statistics().get("curvefs.writeback.bytes");
  }

  private static void awaitUploaded(Mount mount) {
    Await.until("the upload", LONG, () -> pending(mount) == 0);
  }

  /** Waits until the kernel does not answer from what it knows of the root any more. */
  private static void awaitSilence(Mount mount) {
    Await.until(
        "the mount's silence",
        LONG,
        () -> {
          try {
            mount.pid();
            return false;
          } catch (UncheckedIOException e) {
            return true;
          }
        });
  }

  private static Map<String, byte[]> writeFiles(Path directory, int count) throws IOException {
    Map<String, byte[]> written = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      byte[] content = random(i, i % 10 == 0 ? 5_000_000 : 1 + i * 1000);
      Path file = directory.resolve("f" + i);
      if (i % 2 == 0) {
        Files.write(file, content);
      } else {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
          out.write(content);
          out.getFD().sync();
        }
      }
      written.put("f" + i, content);
    }
    return written;
  }

  private static void check(Path directory, Map<String, byte[]> written) throws IOException {
    for (Map.Entry<String, byte[]> entry : written.entrySet()) {
      Path file = directory.resolve(entry.getKey());
      assertThat(Files.size(file)).as(entry.getKey()).isEqualTo(entry.getValue().length);
      assertThat(Files.readAllBytes(file)).as(entry.getKey()).isEqualTo(entry.getValue());
    }
  }

  @Test
  void close_returns_without_the_object_store_and_others_see_it_all_once_it_is_back()
      throws Exception {
    Mount mount = mount();
    Files.writeString(mount.path("old"), "as it was");
    awaitUploaded(mount);
    assertThat(Files.readString(other.path("old"))).isEqualTo("as it was");
    cluster.s3().kill();
    Map<String, byte[]> written;
    try {
      written = writeFiles(mount.root(), 30);
      Files.writeString(mount.path("old"), "as it is now");
      check(mount.root(), written);
      mount.dropCaches();
      check(mount.root(), written);
      assertThat(Files.readString(mount.path("old"))).isEqualTo("as it is now");
      assertThat(pending(mount)).isPositive();
      for (String name : written.keySet()) {
        assertThat(Files.readAllBytes(other.path(name))).as("elsewhere: " + name).isEmpty();
      }
    } finally {
      cluster.startS3();
    }
    awaitUploaded(mount);
    written.put("old", "as it is now".getBytes());
    check(other.root(), written);
    mount.unmount();
  }

  @Test
  void after_kill_9_the_next_mount_has_all_that_was_acknowledged_and_uploads_it() throws Exception {
    Mount mount = mount();
    cluster.s3().kill();
    Map<String, byte[]> written;
    try {
      written = writeFiles(mount.root(), 30);
      mount.kill();
    } finally {
      cluster.startS3();
    }
    mount.mount();
    check(mount.root(), written);
    awaitUploaded(mount);
    check(other.root(), written);
    mount.dropCaches();
    check(mount.root(), written);
    mount.unmount();
  }

  @Test
  void a_mount_without_the_option_uploads_what_one_with_it_has_left() throws Exception {
    String cache = "cache_dir=" + cluster.directory().resolve("cache-left-" + number);
    Mount mount = mount(cache);
    cluster.s3().kill();
    Map<String, byte[]> written;
    try {
      written = writeFiles(mount.root(), 10);
      ProcessHandle process = ProcessHandle.of(mount.pid()).orElseThrow();
      Shell.Result left = Shell.run(Checkout.CURVEFS, "umount", "--no-wait", mount.root()).ok();
      assertThat(left.err()).contains("bytes stay in");
      assertThat(process.isAlive()).isFalse();
      assertThat(mount.log()).contains("the next mount of this file system on this host");
    } finally {
      cluster.startS3();
    }
    Mount plain = cluster.mount(fileSystem, cache);
    check(plain.root(), written);
    awaitUploaded(plain);
    check(other.root(), written);
    Files.writeString(plain.path("through"), "through");
    assertThat(Files.readString(other.path("through"))).isEqualTo("through");
    plain.unmount();
  }

  @Test
  void umount_waits_says_what_is_left_and_ends_when_all_is_uploaded() throws Exception {
    Mount mount = mount();
    cluster.s3().kill();
    Map<String, byte[]> written;
    try {
      written = writeFiles(mount.root(), 5);
      String refused =
          Shell.run(Checkout.CURVEFS, "umount", "--wait-max", "3", mount.root()).oneLineError();
      assertThat(refused).contains("still mounted", "5 files", "--no-wait");
      assertThat(mount.isMounted()).isTrue();
    } finally {
      cluster.startS3();
    }
    mount.unmount();
    check(other.root(), written);
  }

  /** Unmounts with nobody left to talk to; what was written is there after the next mount. */
  private void unmountAlone(BiConsumer<Mount, ProcessHandle> umount) throws IOException {
    Mount mount = mount("meta_timeout=5");
    cluster.s3().kill();
    Map<String, byte[]> written;
    try {
      written = writeFiles(mount.root(), 5);
      ProcessHandle process = ProcessHandle.of(mount.pid()).orElseThrow();
      cluster.metaserver(1).kill();
      awaitSilence(mount);
      umount.accept(mount, process);
    } finally {
      cluster.startMetaserver(1);
      cluster.startS3();
    }
    mount.mount();
    check(mount.root(), written);
    mount.unmount();
    check(other.root(), written);
  }

  @Test
  void without_a_metaserver_umount_leaves_the_journal_when_it_is_told_to() throws IOException {
    unmountAlone(
        (mount, process) -> {
          Shell.Result left = Shell.run(Checkout.CURVEFS, "umount", "--no-wait", mount.root()).ok();
          assertThat(left.err()).contains("does not answer", "bytes stay in");
          assertThat(process.isAlive()).isFalse();
        });
  }

  @Test
  void without_a_metaserver_umount_says_what_is_pending_and_that_it_did_not_finish()
      throws IOException {
    unmountAlone(
        (mount, process) -> {
          Shell.Result ended =
              Shell.run(Checkout.CURVEFS, "umount", "--wait-max", "3", mount.root());
          assertThat(ended.exit()).as("exit; err: %s", ended.err()).isNotZero();
          assertThat(ended.err()).contains("bytes in", "are not in the object store", "within 3 s");
          assertThat(process.isAlive()).isTrue();
          process.destroy();
          Mount.awaitEnd(process);
        });
  }

  @Test
  void sigterm_leaves_the_journal_for_the_next_mount_and_says_so() throws Exception {
    Mount mount = mount();
    cluster.s3().kill();
    Map<String, byte[]> written;
    try {
      written = writeFiles(mount.root(), 5);
      ProcessHandle process = ProcessHandle.of(mount.pid()).orElseThrow();
      process.destroy();
      Mount.awaitEnd(process);
      assertThat(mount.log()).contains("5 files", "are not uploaded");
    } finally {
      cluster.startS3();
    }
    mount.mount();
    check(mount.root(), written);
    mount.unmount();
    check(other.root(), written);
  }

  @Test
  void a_journal_has_one_mount_at_a_time() {
    String journal = "writeback_dir=" + cluster.directory().resolve("shared-" + number);
    Mount mount = mount(journal);
    Mount second = cluster.unmounted(fileSystem, "writeback", journal);
    assertThat(second.tryMount().oneLineError()).contains("in use by process", "writeback_dir=DIR");
    mount.unmount();
    second.mount();
    second.unmount();
  }
}
