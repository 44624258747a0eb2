package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Sizes that take minutes. */
@Tag("long")
@Tag("volumes")
class LargeTest {
  private static Mount mount;

  @BeforeAll
  static void mount() {
    mount = SharedCluster.get().mount(SharedCluster.newFileSystem());
  }

  @AfterAll
  static void unmount() {
    mount.unmount();
  }

  @Test
  void a_directory_of_a_hundred_thousand_is_filled_listed_and_emptied() throws IOException {
    Path large = Files.createDirectory(mount.path("large"));
    for (int tens = 0; tens < 10; tens++) {
      Shell.bash(
          large,
          "seq %d %d | xargs -P 4 -n 1000 touch".formatted(tens * 10_000, tens * 10_000 + 9_999));
    }
    assertThat(Shell.bash(large, "ls -f | wc -l").strip()).isEqualTo("100002");
    assertThat(Shell.bash(large, "ls -l | tail -n +2 | awk '{print $9}' | sort -n | uniq | wc -l"))
        .isEqualTo("100000\n");

    Mount fresh = SharedCluster.get().mount(mount.fileSystem());
    double before = requests(fresh);
    Shell.bash(fresh.path("large"), "ls -f > /dev/null");
    double pages = requests(fresh) - before;
    fresh.unmount();
    assertThat(pages).isBetween(100_000 / 2048.0, 100_000 / 2048.0 + 5);

    Shell.bash(large, "find . -type f -delete");
    assertThat(Shell.bash(large, "ls -A | wc -l")).isEqualTo("0\n");
    Files.delete(large);
  }

  private static double requests(Mount counting) {
    return counting.statistics().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith("curvefs.meta.requests"))
        .filter(entry -> !entry.getKey().contains("HEARTBEAT"))
        .filter(entry -> !entry.getKey().contains("KEEP_OPEN"))
        .mapToDouble(java.util.Map.Entry::getValue)
        .sum();
  }

  @Test
  void a_dense_file_of_five_gibibytes_comes_back() {
    Shell.bash(
        mount.root(),
        """
        generate() { for i in 1 2 3 4 5; do head -c 1G < /dev/zero \
          | openssl enc -aes-128-ctr -nosalt -K $(printf %032d $i) -iv 0 2> /dev/null; done; }
        generate > dense
        test "$(stat -c %s dense)" = 5368709120
        wanted=$(generate | sha256sum)
        test "$(sha256sum < dense)" = "$wanted"
        """);
    mount.dropCaches();
    Shell.bash(mount.root(), "tail -c 1G dense | cmp - <(tail -c 1G dense) && rm dense");
  }
}
