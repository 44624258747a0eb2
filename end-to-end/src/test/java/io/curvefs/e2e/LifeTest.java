package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountTable;
import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.OnBuckets;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** File systems and mounts from beginning to end, by the commands that users have. */
@Timeout(300)
@Tag("volumes")
class LifeTest {
  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster = new Cluster(1);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  @OnBuckets("it counts objects; VolumeCommandsTest has the life of volumes")
  void a_file_system_is_created_shown_refused_while_mounted_and_deleted_with_its_objects()
      throws IOException {
    List<Path> ofOthers = cluster.objects();
    cluster.createFileSystem("life");
    Mount mount = cluster.mount("life");
    Files.write(mount.path("data"), new byte[10 << 20]);
    assertThat(cluster.fs("list").ok().out()).contains("life", "active", "1");
    assertThat(cluster.fs("info", "life").ok().out())
        .contains(Cluster.BUCKET, mount.root().toString());
    assertThat(cluster.fs("info", "life", "--json").ok().out()).contains("\"mount_point\"");
    List<Path> objects = cluster.objects();
    objects.removeAll(ofOthers);
    assertThat(objects).hasSize(1 + 3);

    assertThat(cluster.fs("delete", "life", "--yes").oneLineError())
        .contains("mounted", mount.root().toString());
    assertThat(cluster.fs("delete", "life").oneLineError()).contains("not confirmed");
    mount.unmount();
    cluster.fs("delete", "life", "--yes").ok();
    Await.until(
        "the file system's end",
        Duration.ofSeconds(60),
        () -> !cluster.fs("list").ok().out().contains("life"));
    assertThat(cluster.objects()).doesNotContainAnyElementsOf(objects);
  }

  @Test
  @OnBuckets("it counts objects; VolumeTest counts blocks")
  void objects_of_deleted_and_truncated_files_go() throws IOException {
    cluster.createFileSystem("garbage");
    Mount mount = cluster.mount("garbage");
    long before = cluster.objects().size();
    for (int i = 0; i < 20; i++) {
      Files.write(mount.path("f" + i), new byte[5 << 20]);
    }
    assertThat(cluster.objects().size() - before).isEqualTo(40);
    Shell.bash(mount.root(), "rm f1?; truncate -s 4194304 f0; truncate -s 0 f1; : > f2");
    Await.until(
        "the objects' end",
        Duration.ofSeconds(60),
        () -> cluster.objects().size() - before == 7 * 2 + 1);
    mount.unmount();
  }

  @Test
  @OnBuckets("it counts objects; VolumeTest counts blocks")
  void objects_that_are_overwritten_in_place_go() throws IOException {
    cluster.createFileSystem("overwritten");
    Mount mount = cluster.mount("overwritten");
    Shell.bash(mount.root(), "head -c 40M /dev/urandom > f");
    long once = cluster.objects().size();
    for (int i = 0; i < 3; i++) {
      Shell.bash(
          mount.root(),
          "head -c 40M /dev/urandom > ../again; dd if=../again of=f bs=1M conv=notrunc status=none");
    }
    Await.until(
        "the hidden objects' end", Duration.ofSeconds(60), () -> cluster.objects().size() == once);
    mount.dropCaches();
    Shell.bash(mount.root(), "cmp f ../again");
    mount.unmount();
  }

  @Test
  @OnBuckets("blocks are overwritten in place, nothing is compacted")
  void a_chunk_of_many_small_writes_is_compacted_and_reads_the_same() throws IOException {
    cluster.createFileSystem("compacted");
    Mount mount = cluster.mount("compacted");
    long before = cluster.objects().size();
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      Shell.bash(mount.root(), "echo line " + i + " >> log");
      expected.append("line ").append(i).append('\n');
    }
    Await.until(
        "the compaction", Duration.ofSeconds(60), () -> cluster.objects().size() - before < 60);
    assertThat(Files.readString(mount.path("log"))).isEqualTo(expected.toString());
    mount.dropCaches();
    assertThat(Files.readString(mount.path("log"))).isEqualTo(expected.toString());
    mount.unmount();
  }

  @Test
  @OnBuckets("volumes have no keys")
  void keys_are_never_shown_again() throws IOException {
    cluster.createFileSystem("secret");
    Mount mount = cluster.mount("secret");
    Files.writeString(mount.path("f"), "x");
    String seen =
        cluster.fs("info", "secret").ok().out()
            + cluster.fs("list", "--json").ok().out()
            + Shell.run(Checkout.CURVEFS, "stats", mount.root()).ok().out()
            + cluster.metaserver(1).log()
            + mount.log()
            + Files.readString(Path.of("/proc/mounts"))
            + Files.readString(Path.of("/proc/" + mount.pid() + "/cmdline"));
    mount.unmount();
    assertThat(seen).doesNotContain(Cluster.SECRET_KEY);
  }

  @Test
  void mount_8_and_an_fstab_line_mount_and_every_way_of_unmounting_ends_the_process()
      throws IOException {
    cluster.createFileSystem("fstab");
    Path dir = Files.createDirectory(cluster.directory().resolve("by-mount"));
    Path helper = Path.of("/sbin/mount.curvefs");
    boolean linked = Files.isSymbolicLink(helper) || Files.exists(helper);
    Path before = linked ? Files.readSymbolicLink(helper) : null;
    Files.deleteIfExists(helper);
    Files.createSymbolicLink(helper, Checkout.MOUNT);
    try {
      String spec = cluster.addresses() + "/fstab";
      String options =
          "_netdev,cache_size=0,log_file=" + cluster.directory().resolve("by-mount.log");
      Shell.run("mount", "-t", "curvefs", "-o", options, spec, dir).ok();
      Shell.bash(dir, "echo by mount > f");
      unmountBy(dir, "umount", dir.toString());

      Path fstab = cluster.directory().resolve("fstab");
      Files.writeString(fstab, spec + " " + dir + " curvefs " + options + " 0 0\n");
      Shell.run("mount", "--fstab", fstab, dir).ok();
      assertThat(Files.readString(dir.resolve("f"))).isEqualTo("by mount\n");
      unmountBy(dir, "fusermount", "-u", dir.toString());

      Shell.run("mount", "--fstab", fstab, "-a").ok();
      unmountBy(dir, Checkout.CURVEFS.toString(), "umount", dir.toString());
    } finally {
      Files.delete(helper);
      if (before != null) {
        Files.createSymbolicLink(helper, before);
      }
    }
  }

  private static void unmountBy(Path dir, Object... command) throws IOException {
    ProcessHandle process = ProcessHandle.of(MountHandle.containing(dir).pid()).orElseThrow();
    Shell.run(command).ok();
    Mount.awaitEnd(process);
  }

  @Test
  void a_mount_in_the_foreground_ends_with_its_unmount() throws Exception {
    cluster.createFileSystem("foreground");
    Path dir = Files.createDirectory(cluster.directory().resolve("foreground"));
    Process process =
        Checkout.process(
                List.of(
                    Checkout.MOUNT.toString(),
                    cluster.addresses() + "/foreground",
                    dir.toString(),
                    "-f",
                    "-o",
                    "cache_size=0"))
            .redirectErrorStream(true)
            .redirectOutput(cluster.directory().resolve("foreground.log").toFile())
            .start();
    Await.until(
        "the mount", Duration.ofSeconds(30), () -> Files.exists(dir.resolve(".")) && isMount(dir));
    Shell.bash(dir, "echo x > f && cat f");
    Shell.run("umount", dir).ok();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  private static boolean isMount(Path dir) throws IOException {
    return MountTable.at(dir).isPresent();
  }
}
