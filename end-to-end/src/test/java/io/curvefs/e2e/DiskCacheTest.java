package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mounts of one host that name the same cache directories. */
@Timeout(300)
class DiskCacheTest {
  private static final int BLOCKS = 12;
  private static final String ON_DISK = "curvefs.cache.blocks{tier=disk}";
  private static final String GETS = "curvefs.s3.requests{verb=GET}";

  @Test
  void what_one_mount_has_read_the_others_take_from_the_cache_directories_that_they_share()
      throws Exception {
    Cluster cluster = SharedCluster.get();
    String fileSystem = SharedCluster.newFileSystem();
    Path first = cluster.directory().resolve("shared-1");
    Path second = cluster.directory().resolve("shared-2");
    String shared = "cache_dir=" + first + ":" + second;
    byte[] content = new byte[BLOCKS * (4 << 20)];
    new Random(3).nextBytes(content);

    Mount writer = cluster.mount(fileSystem, shared, "cache_populate=read");
    Files.write(writer.path("file"), content);
    assertThat(writer.counted(ON_DISK)).isZero();

    Mount reader = cluster.mount(fileSystem, shared);
    assertThat(Files.readAllBytes(reader.path("file"))).isEqualTo(content);
    assertThat(reader.counted(GETS)).isGreaterThanOrEqualTo(BLOCKS);
    Await.until(
        "all blocks on disk", Duration.ofSeconds(30), () -> reader.counted(ON_DISK) == BLOCKS);
    assertThat(first.resolve(uuidOf(first)).resolve("blocks")).isNotEmptyDirectory();
    assertThat(second.resolve(uuidOf(second)).resolve("blocks")).isNotEmptyDirectory();
    reader.unmount();

    Mount other = cluster.mount(fileSystem, shared);
    for (Mount mount : new Mount[] {writer, other}) {
      double before = mount.counted(GETS);
      assertThat(Files.readAllBytes(mount.path("file"))).isEqualTo(content);
      assertThat(mount.counted(GETS)).isEqualTo(before);
      mount.unmount();
    }
  }

  /** The file system's own directory: others lie beside it. */
  private static String uuidOf(Path cache) throws Exception {
    try (var names = Files.list(cache)) {
      return names
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"))
          .findFirst()
          .orElseThrow();
    }
  }
}
