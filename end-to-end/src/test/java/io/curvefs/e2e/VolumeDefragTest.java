package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.SpaceUsage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code curvefs volume defrag} beside a mount, and when it is killed. */
@Timeout(300)
class VolumeDefragTest {
  private static final Duration CLOSED_MAX = Duration.ofSeconds(30);

  /** A lease, and the rest of its blocks. */
  private static final Duration SETTLED_MAX = Duration.ofSeconds(90);

  /** Files whose pieces lie between each other's, half of them removed. */
  private static final String FRAGMENT =
      """
      python3 - <<'P'
      import os
      for name in 'one', 'two', 'three':
        files = [os.open(name + end, os.O_RDWR | os.O_CREAT) for end in ('', '.other')]
        for piece in range(30):
          for file in files:
            os.pwrite(file, os.urandom(65536), piece * 65536)
            os.fsync(file)
        os.ftruncate(files[0], 29 * 65536 + 100)
        for file in files:
          os.close(file)
        os.unlink(name + '.other')
      P
      md5sum one two three > ../sums-%s
      """;

  private Cluster cluster;

  @BeforeEach
  void start() {
    cluster = SharedCluster.get();
  }

  private Mount fragmented(String fileSystem, Path directory) throws IOException {
    Path volume = directory.resolve("volume");
    try (RandomAccessFile sparse = new RandomAccessFile(volume.toFile(), "rw")) {
      sparse.setLength(300L << 20);
    }
    cluster.createOnVolume(fileSystem, volume, "--quarantine", "8");
    Mount mount = cluster.mount(fileSystem);
    Shell.bash(mount.root(), FRAGMENT.formatted(fileSystem));
    return mount;
  }

  private void assertContents(Mount mount) {
    mount.dropCaches();
    Shell.bash(mount.root(), "md5sum --quiet -c ../sums-" + mount.fileSystem());
    assertThat(cluster.fsck(mount.fileSystem()).ok().out()).contains("is sound");
  }

  private JsonNode json(Shell.Result result) {
    return JsonMapper.shared().readTree(result.ok().out());
  }

  private JsonNode plan(String fileSystem) {
    return json(cluster.volume("defrag", fileSystem, "--plan", "--json"));
  }

  @Test
  void files_in_pieces_are_moved_beside_a_mount(@TempDir Path directory) throws IOException {
    Mount mount = fragmented("defrag", directory);
    try (RandomAccessFile open = new RandomAccessFile(mount.path("three").toFile(), "rw")) {
      JsonNode plan = plan("defrag");
      assertThat(plan.at("/before/files").asInt()).isEqualTo(3);
      assertThat(plan.at("/before/fragmented_files").asInt()).isEqualTo(3);
      assertThat(plan.at("/before/extents").asInt()).isGreaterThanOrEqualTo(90);
      assertThat(plan.at("/before/bytes_to_move").asLong()).isEqualTo(3 * (29 * 65536 + 4096));
      assertThat(plan.at("/before/extents_per_gib").asDouble()).isPositive();
      assertThat(plan.has("after")).isFalse();
      assertThat(plan("defrag")).as("nothing has changed").isEqualTo(plan);

      // What was closed just now counts as open until the mount's next beat.
      Await.until(
          "two are moved",
          CLOSED_MAX,
          () -> {
            JsonNode report = json(cluster.volume("defrag", "defrag", "--json"));
            assertThat(report.at("/files_failed").asInt(-1)).isZero();
            return report.at("/after/fragmented_files").asInt() == 1;
          });
      Shell.Result left = cluster.volume("defrag", "defrag", "--bandwidth", "100M").ok();
      assertThat(left.out()).contains("moved 0 files, skipped 1, failed 0");
      assertThat(left.err()).contains("skipped: /three: it is open");
      assertThat(Files.readAllBytes(mount.path("three"))).hasSize(29 * 65536 + 100);
      assertContents(mount);
      open.seek(5);
      open.write(7);
    }
    Shell.bash(mount.root(), "md5sum one two three > ../sums-defrag");
    Await.until(
        "the third is moved",
        CLOSED_MAX,
        () ->
            json(cluster.volume("defrag", "defrag", "--json")).at("/after/fragmented_files").asInt()
                == 0);
    assertThat(plan("defrag").at("/before/extents").asInt()).isEqualTo(3);
    assertThat(
            Shell.bash(
                mount.root(), "truncate -s +1000 one; tail -c 1000 one | tr -d '\\0' | wc -c"))
        .isEqualTo("0\n");
    Shell.bash(mount.root(), "truncate -s -1000 one");
    assertContents(mount);
    mount.unmount();
  }

  @Test
  void a_kill_at_any_step_leaves_a_sound_file_system_and_every_byte(@TempDir Path directory)
      throws IOException {
    Mount mount = fragmented("defrag-killed", directory);
    SpaceUsage before = cluster.usage("defrag-killed");
    for (String point :
        new String[] {"BLOCKS_RESERVED", "BLOCKS_WRITTEN", "DEVICES_FLUSHED", "BLOCKS_COMMITTED"}) {
      // What was read just now counts as open until the mount's next beat.
      Await.until("dead at " + point, CLOSED_MAX, () -> killedAt(point) == 137);
      assertContents(mount);
    }
    assertThat(plan("defrag-killed").at("/before/fragmented_files").asInt())
        .as("one was committed")
        .isEqualTo(2);
    Await.until(
        "what the killed ones had reserved comes back",
        SETTLED_MAX,
        () -> {
          SpaceUsage usage = cluster.usage("defrag-killed");
          return usage.reserved() == 0 && usage.quarantined() == 0;
        });
    assertThat(cluster.usage("defrag-killed").used()).isLessThanOrEqualTo(before.used());
    JsonNode report = json(cluster.volume("defrag", "defrag-killed", "--json"));
    assertThat(report.at("/files_moved").asInt()).isEqualTo(2);
    assertThat(report.at("/after/extents").asInt()).isEqualTo(3);
    assertContents(mount);
    mount.unmount();
  }

  private int killedAt(String point) {
    return Shell.run(
            "env",
            "CURVEFS_DIE_AT=" + point,
            Checkout.CURVEFS,
            "volume",
            "defrag",
            "defrag-killed",
            "--meta",
            cluster.addresses())
        .exit();
  }
}
