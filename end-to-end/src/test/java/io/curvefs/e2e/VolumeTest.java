package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.SpaceUsage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Files on real volumes, to the last block and through what goes wrong. */
@Timeout(300)
class VolumeTest {
  private static final String[] QUARANTINE = {"--quarantine", "8"};
  private static final Duration SETTLED_MAX = Duration.ofSeconds(120);
  private static final long MIB = 1 << 20;

  /**
   * Overwrites the beginning of a file, which stays in the mount's memory to be written to the
   * file's blocks; later the middle. Ends with 7 when it is told then that this is impossible.
   */
  private static final String LATE_WRITER =
      """
      import os, sys, time
      file = os.open(sys.argv[1], os.O_RDWR)
      os.pwrite(file, b'late' * 500000, 0)
      open(sys.argv[2], 'w').close()
      while not os.path.exists(sys.argv[3]):
        time.sleep(0.05)
      try:
        os.pwrite(file, b'later' * 500000, 8 << 20)
        os.fsync(file)
      except OSError:
        os._exit(7)
      """;

  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster = new Cluster(3);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static Path create(String fileSystem, long mib) {
    Path volume = cluster.newVolume("volume-" + fileSystem, mib * MIB);
    cluster.createOnVolume(fileSystem, volume, QUARANTINE);
    return volume;
  }

  /** Whether every block has one owner or none. */
  private static void requireSound(String fileSystem) {
    assertThat(cluster.fsck(fileSystem).ok().out()).contains("is sound");
  }

  private static SpaceUsage settled(String fileSystem) {
    Await.until(
        "nothing reserved, nothing at rest",
        SETTLED_MAX,
        () -> {
          SpaceUsage usage = cluster.usage(fileSystem);
          return usage.reserved() == 0 && usage.quarantined() == 0;
        });
    return cluster.usage(fileSystem);
  }

  /** Bytes of all blocks of all files. */
  private static long allocated(Mount mount) {
    return Shell.bash(mount.root(), "find . -type f -printf '%b\\n'")
        .lines()
        .mapToLong(Long::parseLong)
        .map(sectors -> sectors * 512)
        .sum();
  }

  /** Writes until there is no room; returns what the file has then. */
  private static long fill(Mount mount, String name) {
    String written =
        Shell.bash(
            mount.root(),
            """
            python3 - %s <<'P'
            import errno, os, sys
            file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
            written = 0
            for piece in (1 << 20) + 4096, 4096:
              try:
                while True:
                  written += os.write(file, os.urandom(4096) * (piece // 4096))
              except OSError as e:
                assert e.errno == errno.ENOSPC, e
            os.fsync(file)
            os.close(file)
            assert os.stat(sys.argv[1]).st_size == written, (os.stat(sys.argv[1]), written)
            print(written)
            P
            """
                .formatted(name));
    return Long.parseLong(written.strip());
  }

  @Test
  void a_volume_is_filled_to_its_last_block_and_again_after_a_delete() throws IOException {
    create("filled", 140);
    Mount mount = cluster.mount("filled");
    long first = 0;
    for (int round = 0; round < 2; round++) {
      long written = fill(mount, "f");
      SpaceUsage full = settled("filled");
      assertThat(full.free()).as("free when full").isZero();
      assertThat(full.used()).isEqualTo(allocated(mount)).isEqualTo(written);
      requireSound("filled");
      assertThat(Shell.tryBash(mount.root(), "echo more > g").err())
          .contains("No space left on device");

      Shell.bash(mount.root(), "rm f g");
      Await.until("the space", SETTLED_MAX, () -> cluster.usage("filled").used() == 0);
      settled("filled");
      requireSound("filled");
      assertThat(first == 0 || written == first).as("the same room again").isTrue();
      first = written;
    }
    mount.unmount();
  }

  @Test
  void one_directory_can_use_what_all_raft_groups_have_free() {
    create("shared", 270);
    Mount mount = cluster.mount("shared");
    // Directories are dealt to all raft groups: each of them takes a block group.
    Shell.bash(mount.root(), "for i in $(seq 12); do mkdir d$i; echo a > d$i/a; done");
    long written = fill(mount, "d1/f");
    SpaceUsage full = settled("shared");
    assertThat(full.free()).as("free when full").isZero();
    assertThat(full.used()).isEqualTo(allocated(mount)).isEqualTo(written + 12 * 4096);
    assertThat(cluster.fsck("shared").ok().out()).contains("lent between raft groups");
    Shell.bash(mount.root(), "rm d1/f");
    Await.until("the space", SETTLED_MAX, () -> cluster.usage("shared").used() == 12 * 4096);
    settled("shared");
    requireSound("shared");
    mount.unmount();
  }

  @Test
  void the_backing_file_shrinks_when_files_are_deleted() {
    Path volume = create("shrinking", 300);
    Mount mount = cluster.mount("shrinking");
    Shell.bash(mount.root(), "for i in 1 2 3 4; do head -c 20M /dev/urandom > f$i; done; sync");
    long before = onDisk(volume);
    Shell.bash(mount.root(), "rm f1 f3");
    Await.until("the holes", SETTLED_MAX, () -> onDisk(volume) < before - 38 * MIB);
    mount.dropCaches();
    Shell.bash(mount.root(), "cat f2 f4 > /dev/null");
    requireSound("shrinking");
    mount.unmount();
  }

  private static long onDisk(Path file) {
    return Long.parseLong(Shell.run("stat", "-c", "%b", file).ok().out().strip()) * 512;
  }

  @Tag("long")
  @Test
  void what_a_killed_client_had_reserved_and_half_written_comes_back() throws Exception {
    create("killed", 300);
    Mount mount = cluster.mount("killed");
    Files.write(mount.path("kept"), new byte[3_000_000]);
    long before = settled("killed").used();
    try (RandomAccessFile half = new RandomAccessFile(mount.path("half").toFile(), "rw")) {
      byte[] piece = new byte[1 << 20];
      for (int i = 0; i < 40; i++) {
        half.write(piece); // some of it is on its blocks already, and not committed
      }
      mount.kill();
    } catch (IOException e) {
      // The close finds its mount gone.
    }
    requireSound("killed");

    mount.mount();
    SpaceUsage after = settled("killed");
    assertThat(after.used()).isEqualTo(allocated(mount)).isGreaterThanOrEqualTo(before);
    requireSound("killed");
    assertThat(Files.readAllBytes(mount.path("kept"))).isEqualTo(new byte[3_000_000]);
    mount.unmount();
  }

  @Tag("long")
  @Test
  void a_client_that_slept_past_its_lease_cannot_write_to_what_is_now_anothers() throws Exception {
    create("fenced", 200);
    Mount sleeper = cluster.mount("fenced");
    Mount other = cluster.mount("fenced");
    long pid = sleeper.pid(); // which it does not say while it is stopped
    byte[] old = new byte[30 << 20];
    Arrays.fill(old, (byte) 'A');
    Files.write(sleeper.path("victim"), old);
    Path written = cluster.directory().resolve("written");
    Path woken = cluster.directory().resolve("woken");
    // Not in this process: what it starts closes its files, and would wait for the sleeper.
    Process writer =
        new ProcessBuilder(
                "python3",
                "-c",
                LATE_WRITER,
                sleeper.path("victim").toString(),
                written.toString(),
                woken.toString())
            .redirectErrorStream(true)
            .redirectOutput(cluster.directory().resolve("writer.log").toFile())
            .start();
    Await.until("the first write", Duration.ofSeconds(30), () -> Files.exists(written));
    signal("STOP", pid);
    String wanted;
    try {
      Files.delete(other.path("victim"));
      Await.until(
          "the lease's end, and the fence's",
          SETTLED_MAX,
          () -> {
            SpaceUsage usage = cluster.usage("fenced");
            return usage.used() == 0 && usage.quarantined() == 0 && usage.reserved() == 0;
          });
      fill(other, "taken");
      wanted = Shell.bash(other.root(), "md5sum < taken");
    } finally {
      signal("CONT", pid);
    }
    Files.createFile(woken);
    assertThat(writer.waitFor()).as("the status of who writes to a file that is gone").isEqualTo(7);
    other.dropCaches();
    assertThat(Shell.bash(other.root(), "md5sum < taken")).isEqualTo(wanted);
    requireSound("fenced");
    // It goes on with a new session.
    Shell.bash(other.root(), "rm taken");
    Await.until(
        "a write of the sleeper",
        Duration.ofSeconds(60),
        () -> Shell.tryBash(sleeper.root(), "echo awake > f && sync f").exit() == 0);
    sleeper.unmount();
    other.unmount();
  }

  private static void signal(String name, long pid) {
    Shell.run("kill", "-" + name, pid).ok();
  }

  @Test
  void a_wrong_volume_is_refused_with_the_reason() throws IOException {
    Path ours = create("ours", 129);
    Path theirs = create("theirs", 129);
    Path aside = ours.resolveSibling("aside");
    Mount mount = cluster.unmounted("ours");

    Files.move(ours, aside);
    assertThat(mount.tryMount().oneLineError()).contains(ours.toString());
    cluster.newVolume(ours.getFileName().toString(), 129 * MIB);
    assertThat(mount.tryMount().oneLineError()).contains(ours.toString());
    Files.delete(ours);
    Files.createSymbolicLink(ours, theirs);
    assertThat(mount.tryMount().oneLineError()).contains(ours.toString());
    assertThat(
            cluster
                .fs("create", "thief", "--volume", Cluster.uri(theirs), "--force")
                .oneLineError())
        .contains("theirs");

    Files.delete(ours);
    Files.move(aside, ours);
    mount.mount();
    Files.writeString(mount.path("f"), "right");
    mount.unmount();
  }

  @Test
  void a_volume_that_has_grown_is_used_without_a_new_mount() throws IOException {
    create("grown", 129);
    Mount mount = cluster.mount("grown");
    long small = fill(mount, "f");
    cluster.newVolume("volume-grown", 257 * MIB);
    cluster.volume("expand", "grown").ok();
    Await.until(
        "room",
        Duration.ofSeconds(60),
        () -> Shell.tryBash(mount.root(), "echo 1 > g").exit() == 0);
    long more = fill(mount, "h");
    assertThat(more).isGreaterThan(small - MIB);
    mount.dropCaches();
    Shell.bash(mount.root(), "cat f g h > /dev/null");
    requireSound("grown");
    mount.unmount();
  }

  @Test
  void blocks_are_overwritten_in_place_while_metaservers_die() throws Exception {
    create("overwritten", 200);
    Mount mount = cluster.mount("overwritten");
    byte[] expected = new byte[24 << 20];
    new Random(1).nextBytes(expected);
    Files.write(mount.path("f"), expected);
    long used = settled("overwritten").used();
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Void> writing =
        CompletableFuture.runAsync(() -> overwrite(mount.path("f"), expected, stop));
    for (int victim = 1; victim <= 3; victim++) {
      cluster.metaserver(victim).kill();
      assertThat(writing.isDone()).as("the kill comes in the middle").isFalse();
      cluster.startMetaserver(victim);
    }
    stop.set(true);
    writing.get();
    mount.dropCaches();
    assertThat(Arrays.mismatch(Files.readAllBytes(mount.path("f")), expected)).isEqualTo(-1);
    assertThat(settled("overwritten").used()).isEqualTo(used);
    requireSound("overwritten");
    mount.unmount();
  }

  private static void overwrite(Path path, byte[] expected, AtomicBoolean stop) {
    Random random = new Random(2);
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      while (!stop.get()) {
        byte[] bytes = new byte[1 + random.nextInt(200_000)];
        random.nextBytes(bytes);
        int offset = random.nextInt(expected.length - bytes.length);
        file.write(ByteBuffer.wrap(bytes), offset);
        System.arraycopy(bytes, 0, expected, offset, bytes.length);
        if (random.nextInt(4) == 0) {
          file.force(false);
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_volume_behind_an_nbd_server_is_like_any_other() throws Exception {
    Path volume = cluster.newVolume("exported", 200 * MIB);
    Path socket = cluster.directory().resolve("nbd.sock");
    Process server =
        Checkout.process(
                List.of("nbdkit", "-f", "-U", socket.toString(), "file", volume.toString()))
            .redirectErrorStream(true)
            .redirectOutput(cluster.directory().resolve("nbdkit.log").toFile())
            .start();
    try {
      Await.until("the socket", Duration.ofSeconds(30), () -> Files.exists(socket));
      requireUsable("behind-nbd", "nbd+unix:///?socket=" + socket);
    } finally {
      server.destroyForcibly(); // it would wait for a mount that a failure has left
      server.waitFor();
    }
  }

  @Test
  void a_block_device_is_like_any_other_volume() {
    Path volume = cluster.newVolume("looped", 200 * MIB);
    String device = Shell.run("losetup", "--find", "--show", volume).ok().out().strip();
    try {
      requireUsable("on-loop", "block://" + device);
    } finally {
      Shell.run("losetup", "--detach", device).ok();
    }
  }

  private static void requireUsable(String fileSystem, String volume) {
    cluster.createOnVolumes(fileSystem, volume, QUARANTINE);
    Mount mount = cluster.mount(fileSystem);
    Shell.bash(
        mount.root(),
        "head -c 30M /dev/urandom > f; cp f g; sync; printf x | dd of=g bs=1 seek=70000"
            + " conv=notrunc,fsync status=none");
    mount.dropCaches();
    Shell.bash(
        mount.root(),
        "test $(cmp -l f g | wc -l) -le 1; test $(head -c 70001 g | tail -c 1) = x; rm f");
    mount.unmount();
    mount.mount();
    Shell.bash(mount.root(), "test $(stat -c %s g) = 31457280");
    assertThat(settled(fileSystem).used()).isEqualTo(30 * MIB);
    requireSound(fileSystem);
    mount.unmount();
  }
}
