package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.ServerCounters;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What operations cost, by the counters that users can read too. */
@Timeout(300)
class CostTest {
  private static final Predicate<String> METADATA =
      name ->
          name.startsWith("curvefs.meta.requests")
              && !name.contains("HEARTBEAT")
              && !name.contains("KEEP_OPEN");

  private static Mount mount;

  @BeforeAll
  static void mount() throws IOException {
    mount =
        SharedCluster.get()
            .mount(SharedCluster.newFileSystem(), "attr_timeout=30", "entry_timeout=30");
    Files.createFile(mount.path("admits-the-session"));
  }

  @AfterAll
  static void unmount() {
    mount.unmount();
  }

  @FunctionalInterface
  private interface Work {
    void run() throws IOException;
  }

  /** How much the counters of the mount grew by the work. */
  private static double cost(Predicate<String> counters, Work work) throws IOException {
    double before = sum(mount, counters);
    work.run();
    return sum(mount, counters) - before;
  }

  private static double sum(Mount counting, Predicate<String> counters) {
    Map<String, Double> values = counting.statistics();
    return values.entrySet().stream()
        .filter(entry -> counters.test(entry.getKey()))
        .mapToDouble(Map.Entry::getValue)
        .sum();
  }

  private static Predicate<String> operation(String name) {
    return counter -> counter.equals("curvefs.meta.requests{operation=" + name + "}");
  }

  private static Predicate<String> s3(String verb) {
    return counter -> counter.equals("curvefs.s3.requests{verb=" + verb + "}");
  }

  @Test
  void creating_an_empty_file_is_one_request_after_the_lookup_and_one_raft_entry()
      throws IOException {
    double entries = ServerCounters.raftEntries(SharedCluster.get());
    double requests =
        cost(
            METADATA.and(operation("LOOKUP").negate()),
            () -> Files.createFile(mount.path("empty")));

    assertThat(requests).isEqualTo(1);
    assertThat(ServerCounters.raftEntries(SharedCluster.get()) - entries).isEqualTo(1);
  }

  @Test
  void a_stat_of_a_known_path_asks_nobody() throws IOException {
    Path file = Files.createFile(Files.createDirectory(mount.path("d")).resolve("f"));

    assertThat(
            cost(
                METADATA,
                () -> {
                  for (int i = 0; i < 100; i++) {
                    Files.getLastModifiedTime(file);
                  }
                }))
        .isZero();
  }

  @Test
  void listing_a_directory_costs_its_pages_and_the_stats_that_follow_nothing() throws IOException {
    Path large = Files.createDirectory(mount.path("large"));
    Shell.bash(large, "seq 5000 | xargs -P 8 -n 500 touch");

    // The kernel may ask once more for the directory itself, when a second has passed.
    assertThat(costOfListing("large")).isBetween(3.0, 4.0);
  }

  @Test
  void listing_subdirectories_of_other_groups_costs_one_request_more_for_each_group()
      throws IOException {
    Path parents = Files.createDirectory(mount.path("parents"));
    for (int i = 0; i < 60; i++) {
      Files.createDirectory(parents.resolve("d" + i));
    }

    assertThat(costOfListing("parents")).isBetween(2.0, 1.0 + 3);
  }

  /** Metadata requests of {@code ls -l} on a mount that has never seen the directory. */
  private static double costOfListing(String directory) throws IOException {
    Mount fresh = SharedCluster.get().mount(mount.fileSystem());
    try {
      Path listed = fresh.path(directory);
      Files.getLastModifiedTime(listed); // the way there
      double before = sum(fresh, METADATA);
      Shell.bash(listed, "ls -l --time-style=full-iso . > /dev/null");
      return sum(fresh, METADATA) - before;
    } finally {
      fresh.unmount();
    }
  }

  @Test
  void a_small_file_is_one_put_and_one_commit() throws IOException {
    byte[] content = new byte[4 << 20];
    double[] commits = {0};

    assertThat(
            cost(
                s3("PUT"),
                () ->
                    commits[0] =
                        cost(operation("COMMIT"), () -> Files.write(mount.path("small"), content))))
        .isEqualTo(1);
    assertThat(commits[0]).isEqualTo(1);
  }

  @Test
  void sixty_four_mebibytes_written_in_order_are_sixteen_puts() throws IOException {
    assertThat(
            cost(
                s3("PUT"),
                () ->
                    Shell.bash(mount.root(), "dd if=/dev/zero of=big bs=1M count=64 status=none")))
        .isEqualTo(16);
  }

  @Test
  void a_second_read_needs_no_object_and_a_read_of_a_little_fetches_little() throws IOException {
    Shell.bash(mount.root(), "head -c 60M /dev/urandom > random");
    mount.dropCaches();
    double[] received = {0};
    double gets =
        cost(
            s3("GET"),
            () ->
                received[0] =
                    cost(
                        "curvefs.s3.bytes.received"::equals,
                        () -> {
                          try (RandomAccessFile file =
                              new RandomAccessFile(mount.path("random").toFile(), "r")) {
                            for (int i = 0; i < 10; i++) {
                              file.seek((i * 37 % 60) * (1L << 20) + 12_345);
                              file.read(new byte[4096]);
                            }
                          }
                        }));
    assertThat(gets).isLessThanOrEqualTo(20);
    assertThat(received[0]).isLessThan(10 * 256 << 10);

    Shell.bash(mount.root(), "cat random > /dev/null");
    assertThat(cost(s3("GET"), () -> Shell.bash(mount.root(), "cat random > /dev/null"))).isZero();
  }

  @Test
  void a_write_asks_no_metadata() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(mount.path("written").toFile(), "rw")) {
      file.write(1);
      assertThat(
              cost(
                  METADATA,
                  () -> {
                    for (int i = 0; i < 100; i++) {
                      file.write(i);
                    }
                  }))
          .isZero();
    }
  }
}
