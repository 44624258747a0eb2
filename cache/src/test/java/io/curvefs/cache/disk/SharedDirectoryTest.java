package io.curvefs.cache.disk;

import static io.curvefs.cache.disk.TierFixture.bytesIn;
import static io.curvefs.cache.disk.TierFixture.small;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagePool;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two mounts on one host that name the same cache directory. */
class SharedDirectoryTest {
  private static final long LIMIT = 100 * 4096;

  @TempDir Path parent;

  private final TierFixture fixture = new TierFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private Path cache() {
    return parent.resolve("cache");
  }

  private DiskTier open() throws Exception {
    return fixture.open(List.of(cache()), LIMIT, 10_000);
  }

  @Test
  void a_block_that_one_has_written_the_other_reads() throws Exception {
    DiskTier one = open();
    DiskTier other = open();
    fixture.offer(one, small(1));
    assertThat(fixture.reads(other, small(1))).isTrue();
    assertThat(other.contains(small(1))).isTrue();
    assertThat(other.statistics().misses()).isZero();
  }

  @Test
  void together_they_keep_the_limit_however_they_take_turns() throws Exception {
    DiskTier one = open();
    DiskTier other = open();
    long most = 0;
    for (int i = 0; i < 300; i++) {
      fixture.offer(i % 2 == 0 ? one : other, small(i));
      most = Math.max(most, bytesIn(cache()));
    }
    for (int i = 300; i < 500; i++) {
      fixture.offer(i < 400 ? one : other, small(i));
      most = Math.max(most, bytesIn(cache()));
    }
    assertThat(most).isLessThanOrEqualTo(LIMIT);
    assertThat(most).isGreaterThan(LIMIT * 9 / 10);
  }

  @Test
  void what_one_evicts_the_other_does_not_count_any_more() throws Exception {
    DiskTier one = open();
    for (int i = 0; i < 90; i++) {
      fixture.offer(one, small(i));
    }
    DiskTier other = open();
    assertThat(other.room().bytesUsed()).isEqualTo(90 * 4096);
    one.dropAll();
    fixture.offer(one, small(500));
    other.look();
    assertThat(other.room().bytesUsed()).isEqualTo(4096);
  }

  @Test
  void file_systems_that_share_a_directory_have_limits_and_names_of_their_own() throws Exception {
    DiskTier one = open();
    DiskTierOptions options =
        new DiskTierOptions(
            cache(),
            new UUID(7, 7),
            LIMIT,
            10_000,
            0,
            4L << 20,
            TierFixture.LONG,
            TierFixture.RETRY);
    try (DiskTier other = DiskTier.open(options, fixture.pool, fixture.clock)) {
      other.awaitScan();
      for (int i = 0; i < 90; i++) {
        fixture.offer(one, small(i));
        fixture.offer(other, small(i));
      }
      assertThat(one.statistics().evictions() + other.statistics().evictions()).isZero();
      one.dropAll();
      for (int i = 0; i < 90; i++) {
        assertThat(fixture.reads(other, small(i))).isTrue();
      }
    }
  }

  @Test
  void who_has_fallen_silent_is_no_longer_counted() throws Exception {
    CacheDirectory directory = CacheDirectory.open(cache(), TierFixture.NAMESPACE);
    CacheDirectory other = CacheDirectory.open(cache(), TierFixture.NAMESPACE);
    assertThat(directory.presence().announce().count()).isZero();
    assertThat(other.presence().announce().count()).isEqualTo(1);
    assertThat(directory.presence().announce().count()).isEqualTo(1);
    Path mounts = directory.root().resolve("mounts");
    long now = directory.presence().announce().nowMillis();
    setAge(mounts, now - Presence.SILENCE_MAX.toMillis() - 1000);
    assertThat(directory.presence().announce().count()).isZero();
    assertThat(filesIn(mounts)).isEqualTo(2);
    setAge(mounts, now - 2 * 3_600_000);
    assertThat(directory.presence().announce().count()).isZero();
    assertThat(filesIn(mounts)).isEqualTo(1);
    other.presence().announce();
    assertThat(directory.presence().announce().count()).isEqualTo(1);
    other.presence().leave();
    assertThat(directory.presence().announce().count()).isZero();
  }

  private static void setAge(Path directory, long millis) throws IOException {
    for (Path file : CacheDirectory.filesOf(directory)) {
      Files.setLastModifiedTime(file, FileTime.fromMillis(millis));
    }
  }

  private static int filesIn(Path directory) throws IOException {
    return CacheDirectory.filesOf(directory).size();
  }

  /** Another process: writes blocks from number args[1] on until it is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws Exception {
      TierFixture fixture = new TierFixture();
      DiskTier tier =
          DiskTier.open(
              TierFixture.options(List.of(Path.of(args[0])), LIMIT_OF_PROCESSES, 10_000),
              new PagePool(16L << 20),
              InstantSource.system());
      tier.awaitScan();
      for (int i = Integer.parseInt(args[1]); true; i++) {
        fixture.offer(tier, block(i));
        System.out.println(i);
      }
    }
  }

  private static final long LIMIT_OF_PROCESSES = 8L << 20;

  private static BlockId block(int number) {
    return new BlockId(number, 1, 60_000 + number % 7);
  }

  @Test
  @Timeout(
      value = 120,
      threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // reading is not interrupted
  void a_killed_process_leaves_no_wrong_byte_and_its_blocks_are_evicted_by_the_other()
      throws Exception {
    DiskTier tier = fixture.open(List.of(cache()), LIMIT_OF_PROCESSES, 10_000);
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                cache().toString(),
                "1000")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long most = 0;
    int last = 0;
    try (BufferedReader lines = writer.inputReader()) {
      for (int i = 0; i < 400; i++) { // five times the limit, by both
        last = Integer.parseInt(lines.readLine());
        fixture.offer(tier, block(i));
        most = Math.max(most, bytesIn(cache()));
      }
      writer.toHandle().destroyForcibly(); // keeps the stream open
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = Math.max(last, Integer.parseInt(line.strip()));
      }
    } finally {
      writer.destroyForcibly();
      assertThat(writer.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(most).isLessThanOrEqualTo(LIMIT_OF_PROCESSES + (1 << 20));

    int ofWriter = 0;
    for (int i = 1000; i <= last + 70; i++) {
      ofWriter += fixture.reads(tier, block(i)) ? 1 : 0; // what is there is right
    }
    assertThat(ofWriter).isPositive();
    assertThat(tier.statistics().errors()).isZero();

    tier.look();
    for (int i = 10_000; i < 10_400; i++) {
      fixture.offer(tier, block(i));
    }
    assertThat(bytesIn(cache())).isLessThanOrEqualTo(LIMIT_OF_PROCESSES);
    tier.close();
    try (Stream<Path> all = Files.walk(cache())) {
      assertThat(all.filter(file -> file.toString().endsWith(".tmp")).count())
          .isLessThanOrEqualTo(4); // one for each writing thread; they go an hour later
    }
  }
}
