package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Shell;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * The test plan of CurveFS 2.4 for warmups: each kind of target, with a cache that is too small or
 * large enough, through each disturbance. Contents are compared by checksum each time. Half of it
 * is among the long tests.
 *
 * <p>{@code -Dcurvefs.test.entries=1000000} has it take hours, and directories of that size.
 */
class WarmupMatrixTest {
  private static final int ENTRIES = Integer.getInteger("curvefs.test.entries", 120);

  /** Of a directory, as many entries as that have content; the others are empty. */
  private static final int WITH_CONTENT = 1_000;

  private static final int ENTRIES_PER_SCRIPT = 10_000;
  private static final String GETS = "curvefs.s3.requests{verb=GET}";
  private static final String CHECKSUM =
      "find . -type f -print0 | sort -z | xargs -0 md5sum | md5sum";
  private static Cluster cluster;
  private static final Map<String, String> checksums = new HashMap<>();

  private final List<Mount> mounts = new ArrayList<>();
  @TempDir private Path caches;

  enum Target {
    /** A second and a half of warmup each: a disturbance comes in the middle. */
    LARGE_FILE("large", "11M", "cache_size=8M", "cache_size=1G"),
    HUGE_DIRECTORY("huge", "320K", "cache_files=50", "cache_files=5000000");

    private final String directory;
    private final String bandwidth;
    private final String tooSmall;
    private final String largeEnough;

    Target(String directory, String bandwidth, String tooSmall, String largeEnough) {
      this.directory = directory;
      this.bandwidth = bandwidth;
      this.tooSmall = tooSmall;
      this.largeEnough = largeEnough;
    }
  }

  enum Disturbance {
    NONE,
    REMOUNT,
    OTHER_FILES_READ_AND_WRITTEN,
    METASERVER_KILLED,
    SAME_TREE_BY_TWO_MOUNTS_WITH_SEPARATE_CACHES,
    SAME_TREE_BY_TWO_MOUNTS_WITH_ONE_CACHE,
    DIFFERENT_TREES_BY_TWO_MOUNTS_WITH_ONE_CACHE
  }

  /** Every other case, so that each disturbance comes with each target, and with each limit. */
  static Stream<Arguments> half() {
    return cases(0);
  }

  static Stream<Arguments> otherHalf() {
    return cases(1);
  }

  private static Stream<Arguments> cases(int half) {
    List<Arguments> cases = new ArrayList<>();
    for (Target target : Target.values()) {
      for (Disturbance disturbance : Disturbance.values()) {
        int number = target.ordinal() + disturbance.ordinal() + half;
        cases.add(Arguments.of(target, number % 2 == 0, disturbance));
      }
    }
    return cases.stream();
  }

  /** Each target twice, as {@code a} and, smaller if it is a directory, as {@code b}. */
  @BeforeAll
  static void fill() {
    cluster = new Cluster(3);
    cluster.createFileSystem("matrix");
    Mount writer = cluster.mount("matrix");
    Shell.bash(
        writer.root(),
        "mkdir -p large/a large/b huge/a huge/b; for d in a b; do"
            + " head -c 16M /dev/urandom > large/$d/file; done");
    entries(writer, "huge/a", ENTRIES);
    entries(writer, "huge/b", ENTRIES / 10);
    for (Target target : Target.values()) {
      for (String tree : List.of("a", "b")) {
        String path = target.directory + "/" + tree;
        checksums.put(path, Shell.bash(writer.path(path), CHECKSUM));
      }
    }
    writer.unmount();
  }

  private static void entries(Mount writer, String directory, int count) {
    for (int first = 1; first <= count; first += ENTRIES_PER_SCRIPT) {
      Shell.bash(
          writer.path(directory),
          "seq %d %d | xargs -P 8 -n 100 bash -c 'for i; do if (( i %% %d == 0 )); then"
                  .formatted(
                      first,
                      Math.min(count, first + ENTRIES_PER_SCRIPT - 1),
                      Math.max(1, count / WITH_CONTENT))
              + " head -c 4096 /dev/urandom > $i; else : > $i; fi; done' _");
    }
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @AfterEach
  void unmount() {
    mounts.stream().filter(Mount::isMounted).forEach(Mount::unmount);
  }

  private Mount mount(String... options) {
    Mount mount = cluster.mount("matrix", options);
    mounts.add(mount);
    return mount;
  }

  private static Shell.Result warmup(Object... arguments) {
    List<Object> command = new ArrayList<>(List.of(Checkout.CURVEFS, "warmup"));
    command.addAll(List.of(arguments));
    return Shell.run(command.toArray());
  }

  /** A job that has begun and takes its time, whether what it is to fetch fits or not. */
  private static String begin(Mount mount, Target target, String tree) {
    String job =
        warmup(
                "add",
                mount.path(target.directory + "/" + tree),
                "-d",
                "--force",
                "--bandwidth",
                target.bandwidth)
            .ok()
            .out()
            .strip();
    Await.until(
        "the warmup's first bytes, or its end",
        Duration.ofMinutes(5),
        () -> mount.counted("curvefs.warmup.bytes") > 0 || hasEnded(mount, job));
    return job;
  }

  /** As does one at once that can put nothing into its cache. */
  private static boolean hasEnded(Mount mount, String job) {
    Shell.Result status = warmup("status", job, "--mount", mount.root(), "--json");
    return JsonMapper.shared().readTree(status.out()).at("/job/state").asString().equals("DONE");
  }

  private static void awaitEnd(Mount mount, String job, boolean fits) {
    Shell.Result end = warmup("status", job, "--mount", mount.root(), "--watch");
    assertThat(end.exit()).as(end.out() + end.err()).isEqualTo(fits ? 0 : 1);
  }

  private static void requireContent(Mount mount, Target target, String tree, boolean fits) {
    String path = target.directory + "/" + tree;
    double gets = mount.counted(GETS);
    assertThat(Shell.bash(mount.path(path), CHECKSUM)).isEqualTo(checksums.get(path));
    if (fits) {
      assertThat(mount.counted(GETS) - gets).as("objects fetched after the warmup").isZero();
    }
  }

  @ParameterizedTest(name = "{0}, fits {1}, {2}")
  @MethodSource("half")
  @Timeout(3600)
  void every_byte_is_right_and_what_fits_is_there(
      Target target, boolean fits, Disturbance disturbance) {
    check(target, fits, disturbance);
  }

  @Tag("long")
  @ParameterizedTest(name = "{0}, fits {1}, {2}")
  @MethodSource("otherHalf")
  @Timeout(3600)
  void the_same_with_the_other_limit(Target target, boolean fits, Disturbance disturbance) {
    check(target, fits, disturbance);
  }

  private void check(Target target, boolean fits, Disturbance disturbance) {
    String limit = fits ? target.largeEnough : target.tooSmall;
    Mount mount = mount(limit, "cache_dir=" + caches.resolve("0"));
    switch (disturbance) {
      case NONE -> awaitEnd(mount, begin(mount, target, "a"), fits);
      case REMOUNT -> {
        String job = begin(mount, target, "a");
        mount.unmount();
        mount.mount();
        awaitEnd(mount, job, fits);
      }
      case OTHER_FILES_READ_AND_WRITTEN -> {
        String job = begin(mount, target, "a");
        Shell.bash(
            mount.root(),
            "head -c 8M /dev/urandom > written; s=$(md5sum < written); head -c 4K large/b/file > new;"
                + " mv new written.2; cmp -n 4096 written.2 large/b/file;"
                + " test \"$(md5sum < written)\" = \"$s\"; rm written written.2");
        awaitEnd(mount, job, fits);
      }
      case METASERVER_KILLED -> {
        String job = begin(mount, target, "a");
        cluster.metaserver(1).kill();
        awaitEnd(mount, job, fits);
        requireContent(mount, target, "a", fits);
        cluster.startMetaserver(1);
      }
      case SAME_TREE_BY_TWO_MOUNTS_WITH_SEPARATE_CACHES, SAME_TREE_BY_TWO_MOUNTS_WITH_ONE_CACHE -> {
        boolean separate = disturbance == Disturbance.SAME_TREE_BY_TWO_MOUNTS_WITH_SEPARATE_CACHES;
        Mount other = mount(limit, "cache_dir=" + caches.resolve(separate ? "1" : "0"));
        String job = begin(mount, target, "a");
        String otherJob = begin(other, target, "a");
        awaitEnd(mount, job, fits);
        awaitEnd(other, otherJob, fits);
        requireContent(other, target, "a", fits);
      }
      case DIFFERENT_TREES_BY_TWO_MOUNTS_WITH_ONE_CACHE -> {
        Mount other = mount(limit, "cache_dir=" + caches.resolve("0"));
        String job = begin(mount, target, "a");
        String otherJob = begin(other, target, "b");
        awaitEnd(mount, job, fits);
        Shell.Result otherEnd = warmup("status", otherJob, "--mount", other.root(), "--watch");
        assertThat(!fits || otherEnd.exit() == 0).as(otherEnd.out() + otherEnd.err()).isTrue();
        requireContent(other, target, "b", fits);
      }
    }
    requireContent(mount, target, "a", fits);
  }
}
