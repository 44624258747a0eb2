package io.curvefs.cache.disk;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTierTest {
  private static final UUID NAMESPACE = new UUID(1, 2);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final BlockId BLOCK = new BlockId(17, 3, 150_000);

  @TempDir Path parent;

  private final PagePool pool = new PagePool(16L << 20);
  private final MovableClock clock = new MovableClock();
  private final AtomicLong spare = new AtomicLong(Long.MAX_VALUE / 2);
  private Path root;
  private DiskTier tier;

  @BeforeEach
  void open() throws Exception {
    tier = open(1L << 30, 1000);
    root = parent.resolve("cache").resolve(NAMESPACE.toString());
  }

  private DiskTier open(long bytesMax, int filesMax) throws Exception {
    DiskTierOptions options = options(NAMESPACE, bytesMax, filesMax);
    DiskTier opened = DiskTier.open(options, pool, clock, directory -> spare::get);
    opened.awaitScan();
    return opened;
  }

  private DiskTierOptions options(UUID namespace, long bytesMax, int filesMax) {
    return new DiskTierOptions(
        parent.resolve("cache"),
        namespace,
        bytesMax,
        filesMax,
        0,
        4L << 20,
        LONG,
        Duration.ofSeconds(30));
  }

  private void reopen(long bytesMax, int filesMax) throws Exception {
    tier.close();
    tier = open(bytesMax, filesMax);
  }

  @AfterEach
  void no_page_leaked() {
    tier.close();
    assertThat(pool.inUse()).isZero();
  }

  private void store(BlockId id) throws Exception {
    PagedBytes content = TestBlocks.content(pool, id);
    tier.offer(id, content);
    content.release();
    assertThat(tier.awaitWrites(LONG)).isTrue();
  }

  private static BlockId small(int number) {
    return new BlockId(number, 0, 1000);
  }

  private Path fileOf(BlockId id) {
    return root.resolve("blocks")
        .resolve("%02x".formatted((id.slice() + id.index()) & 0xff))
        .resolve(id.toString());
  }

  @Test
  void what_was_stored_is_read_whole_and_in_pieces() throws Exception {
    store(BLOCK);
    assertAndRelease(tier.read(BLOCK), BLOCK);
    byte[] expected = TestBlocks.bytesOf(BLOCK);
    int[][] ranges = {
      {0, 1}, {0, 150_000}, {16_383, 2}, {16_384, 16_384}, {149_999, 1}, {70_000, 70_000}, {5, 0}
    };
    for (int[] range : ranges) {
      ByteBuffer dst = ByteBuffer.allocate(range[1]);
      if (range[1] > 0) {
        assertThat(tier.readRange(BLOCK, range[0], dst)).isTrue();
      }
      assertThat(dst.array())
          .isEqualTo(Arrays.copyOfRange(expected, range[0], range[0] + range[1]));
    }
    assertThat(tier.statistics().hits()).isEqualTo(7);
    assertThat(tier.statistics().misses()).isZero();
    assertThat(tier.statistics().entries()).isEqualTo(1);
  }

  @Test
  void what_was_not_stored_is_a_miss() throws Exception {
    assertThat(tier.read(BLOCK)).isNull();
    assertThat(tier.readRange(BLOCK, 0, ByteBuffer.allocate(1))).isFalse();
    assertThat(tier.contains(BLOCK)).isFalse();
    assertThat(tier.statistics().misses()).isEqualTo(2);
    assertThat(tier.statistics().errors()).isZero();
  }

  @Test
  void blocks_survive_a_restart() throws Exception {
    store(BLOCK);
    store(small(1));
    long bytes = tier.statistics().bytes();
    reopen(1L << 30, 1000);
    assertThat(tier.statistics().entries()).isEqualTo(2);
    assertThat(tier.statistics().bytes()).isEqualTo(bytes);
    assertAndRelease(tier.read(BLOCK), BLOCK);
  }

  @Test
  void files_are_for_the_owner_only_and_nothing_else_is_left() throws Exception {
    store(BLOCK);
    assertThat(permissions(fileOf(BLOCK))).isEqualTo("rw-------");
    for (Path directory = fileOf(BLOCK).getParent();
        !directory.equals(parent);
        directory = directory.getParent()) {
      assertThat(permissions(directory)).isEqualTo("rwx------");
    }
    try (Stream<Path> all = Files.walk(parent)) {
      assertThat(
              all.filter(Files::isRegularFile)
                  .filter(file -> !file.startsWith(root.resolve("mounts"))))
          .containsExactly(fileOf(BLOCK));
    }
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void a_flipped_bit_on_disk_is_a_miss() throws Exception {
    int length = BlockFormat.fileBytes(BLOCK);
    for (int at = 0; at < length; at += 7_919) {
      store(BLOCK);
      flipBit(fileOf(BLOCK), at);
      assertThat(tier.read(BLOCK)).as("byte %d", at).isNull();
      assertThat(fileOf(BLOCK)).doesNotExist();
    }
    assertThat(tier.statistics().errors()).isEqualTo(length / 7_919 + 1);
    store(BLOCK);
    assertAndRelease(tier.read(BLOCK), BLOCK);
  }

  @Test
  void a_flipped_bit_in_any_byte_of_the_file_is_a_miss() throws Exception {
    BlockId id = new BlockId(9, 9, 400);
    for (int at = 0; at < BlockFormat.fileBytes(id); at++) {
      store(id);
      flipBit(fileOf(id), at);
      assertThat(tier.read(id)).as("byte %d", at).isNull();
      assertThat(fileOf(id)).doesNotExist();
    }
    assertThat(tier.statistics().errors()).isEqualTo(BlockFormat.fileBytes(id));
  }

  @Test
  void a_flipped_bit_elsewhere_in_the_block_does_not_hurt_a_range() throws Exception {
    store(BLOCK);
    flipBit(fileOf(BLOCK), 140_000);
    assertThat(tier.readRange(BLOCK, 10, ByteBuffer.allocate(100))).isTrue();
    assertThat(tier.readRange(BLOCK, 139_000, ByteBuffer.allocate(2_000))).isFalse();
    assertThat(fileOf(BLOCK)).doesNotExist();
  }

  private static void flipBit(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 0x10;
    Files.write(file, bytes);
  }

  @Test
  void a_torn_file_is_a_miss_and_goes_at_the_next_start_at_the_latest() throws Exception {
    store(BLOCK);
    byte[] whole = Files.readAllBytes(fileOf(BLOCK));
    for (int length : new int[] {0, 1, 149_999, 150_000, whole.length - 1}) {
      Files.write(fileOf(BLOCK), Arrays.copyOf(whole, length));
      assertThat(tier.read(BLOCK)).isNull();
    }
    Files.write(fileOf(BLOCK), Arrays.copyOf(whole, whole.length + 1));
    assertThat(tier.read(BLOCK)).isNull();
    Files.write(fileOf(BLOCK), Arrays.copyOf(whole, 100));
    reopen(1L << 30, 1000);
    assertThat(fileOf(BLOCK)).doesNotExist();
    assertThat(tier.statistics().entries()).isZero();
  }

  @Test
  void a_right_file_under_a_wrong_name_is_a_miss() throws Exception {
    store(small(1));
    store(small(2));
    Files.copy(fileOf(small(1)), fileOf(small(2)), StandardCopyOption.REPLACE_EXISTING);
    assertThat(tier.read(small(2))).isNull();
    assertAndRelease(tier.read(small(1)), small(1));
  }

  @Test
  void the_block_of_another_file_system_is_a_miss() throws Exception {
    store(BLOCK);
    UUID other = new UUID(3, 4);
    try (DiskTier elsewhere = DiskTier.open(options(other, 1 << 20, 10), pool, clock)) {
      elsewhere.awaitScan(); // it would delete what is still being copied below
      assertThat(elsewhere.read(BLOCK)).isNull();
      Path copy = Path.of(fileOf(BLOCK).toString().replace(NAMESPACE.toString(), other.toString()));
      Files.createDirectories(copy.getParent());
      Files.copy(fileOf(BLOCK), copy);
      assertThat(elsewhere.read(BLOCK)).isNull();
      assertThat(elsewhere.statistics().errors()).isEqualTo(1);
    }
  }

  @Test
  void when_nothing_was_ever_used_again_the_oldest_blocks_go_first() throws Exception {
    reopen(100 * 4096, 1000);
    for (int i = 0; i < 103; i++) {
      store(small(i));
    }
    assertThat(tier.statistics().evictions()).isEqualTo(3);
    assertThat(tier.statistics().bytes()).isEqualTo(100 * 4096);
    assertThat(tier.read(small(2))).isNull();
    assertThat(fileOf(small(2))).doesNotExist();
    assertAndRelease(tier.read(small(3)), small(3));
    assertAndRelease(tier.read(small(102)), small(102));
  }

  @Test
  void what_is_used_again_and_again_is_not_washed_out_by_what_is_read_once() throws Exception {
    reopen(100 * 4096, 1000);
    for (int epoch = 0; epoch < 3; epoch++) {
      for (int i = 0; i < 100; i++) {
        readOrStore(small(i));
      }
    }
    for (int i = 1000; i < 1040; i++) {
      readOrStore(small(i));
    }
    assertThat(tier.statistics().evictions()).isZero();
    for (int i = 0; i < 100; i++) {
      assertAndRelease(tier.read(small(i)), small(i));
    }
  }

  @Test
  void what_is_read_often_gets_in_even_when_the_tier_is_full() throws Exception {
    reopen(10 * 4096, 1000);
    for (int epoch = 0; epoch < 2; epoch++) {
      for (int i = 0; i < 10; i++) {
        readOrStore(small(i));
      }
    }
    int reads = 0;
    while (!tier.contains(small(99))) {
      readOrStore(small(99));
      assertAndRelease(tier.read(small(9)), small(9)); // so that the next read is another use
      assertThat(reads++).isLessThan(10);
    }
    assertThat(tier.statistics().evictions()).isEqualTo(1);
    assertAndRelease(tier.read(small(9)), small(9));
  }

  private void readOrStore(BlockId id) throws Exception {
    PagedBytes content = tier.read(id);
    if (content == null) {
      store(id);
    } else {
      content.release();
    }
  }

  @Test
  void the_number_of_files_is_limited_too() throws Exception {
    reopen(1L << 30, 10);
    for (int i = 0; i < 50; i++) {
      store(small(i));
    }
    assertThat(tier.statistics().entries()).isEqualTo(10);
    assertThat(tier.statistics().evictions()).isEqualTo(40);
  }

  @Test
  void a_restart_with_less_room_evicts_what_was_written_first() throws Exception {
    for (int i = 0; i < 20; i++) {
      store(small(i));
      FileTime written = FileTime.fromMillis(1_000_000L + i);
      Files.setLastModifiedTime(fileOf(small(i)), written);
    }
    reopen(10 * 4096, 1000);
    tier.awaitWrites(LONG);
    assertThat(tier.statistics().entries()).isEqualTo(10);
    assertThat(tier.read(small(9))).isNull();
    assertAndRelease(tier.read(small(10)), small(10));
  }

  @Test
  void when_the_disk_must_stay_free_blocks_go_and_new_ones_are_not_taken() throws Exception {
    for (int i = 0; i < 10; i++) {
      store(small(i));
    }
    spare.set(-2 * 4096); // a constant: others fill what is given up
    store(small(10));
    assertThat(tier.statistics().evictions()).isEqualTo(3);
    assertThat(tier.statistics().drops()).isEqualTo(1);
    assertThat(tier.contains(small(10))).isFalse();
    spare.set(Long.MAX_VALUE / 2);
    store(small(10));
    assertThat(tier.contains(small(10))).isTrue();
  }

  @Test
  void when_others_fill_the_disk_the_cache_shrinks_without_being_written_to() throws Exception {
    for (int i = 0; i < 10; i++) {
      store(small(i));
    }
    spare.set(-3 * 4096 + 1);
    tier.look();
    assertThat(tier.statistics().entries()).isEqualTo(7);
    assertThat(tier.contains(small(2))).isFalse();
    assertThat(tier.contains(small(3))).isTrue();
  }

  @Test
  void pieces_of_a_block_read_one_after_the_other_are_one_use() throws Exception {
    reopen(10 * 4096, 1000);
    for (int epoch = 0; epoch < 2; epoch++) {
      for (int i = 0; i < 10; i++) {
        readOrStore(small(i));
      }
    }
    for (int i = 0; i < 20; i++) {
      assertThat(tier.readRange(small(99), i * 50, ByteBuffer.allocate(50))).isFalse();
    }
    store(small(99));
    assertThat(tier.contains(small(99))).isFalse();
    assertThat(tier.statistics().evictions()).isZero();
  }

  @Test
  void a_full_queue_drops_and_counts_and_never_blocks() throws Exception {
    CountDownLatch diskIsSlow = new CountDownLatch(1);
    tier.close();
    tier =
        DiskTier.open(
            options(NAMESPACE, 1L << 30, 1000),
            pool,
            clock,
            directory ->
                () -> {
                  try {
                    diskIsSlow.await();
                  } catch (InterruptedException e) {
                    throw new IOException(e);
                  }
                  return Long.MAX_VALUE / 2;
                });
    for (int i = 0; i < 70; i++) { // 64 pages fit into 4 MiB
      PagedBytes content = TestBlocks.content(pool, small(i));
      tier.offer(small(i), content);
      content.release();
    }
    assertThat(tier.statistics().drops()).isEqualTo(6);
    assertThat(pool.inUse()).isEqualTo(64);
    diskIsSlow.countDown();
    tier.awaitWrites(LONG);
    assertThat(tier.statistics().entries()).isEqualTo(64);
  }

  @Test
  void everything_is_gone_after_dropping_all_even_what_others_wrote() throws Exception {
    store(BLOCK);
    try (DiskTier other = DiskTier.open(options(NAMESPACE, 1 << 20, 10), pool, clock)) {
      PagedBytes content = TestBlocks.content(pool, small(1));
      other.offer(small(1), content);
      content.release();
      other.awaitWrites(LONG);
    }
    tier.dropAll();
    assertThat(tier.read(BLOCK)).isNull();
    assertThat(tier.read(small(1))).isNull();
    assertThat(tier.statistics().entries()).isZero();
    store(BLOCK);
    assertAndRelease(tier.read(BLOCK), BLOCK);
  }

  @Test
  void two_processes_see_and_survive_each_others_files_coming_and_going() throws Exception {
    try (DiskTier other = open(1L << 30, 1000)) {
      store(BLOCK);
      assertAndRelease(other.read(BLOCK), BLOCK);
      assertThat(other.statistics().entries()).isEqualTo(1);
      other.dropAll();
      assertThat(tier.statistics().entries()).isEqualTo(1); // a belief
      assertThat(tier.read(BLOCK)).isNull();
      assertThat(tier.statistics().entries()).isZero();
      store(BLOCK);
      assertAndRelease(other.read(BLOCK), BLOCK);
    }
  }

  @Test
  void half_written_files_of_a_crash_go_but_not_those_being_written() throws Exception {
    store(BLOCK);
    Path abandoned = fileOf(BLOCK).resolveSibling(".x-1.tmp");
    Path fresh = fileOf(BLOCK).resolveSibling(".x-2.tmp");
    Path foreign = fileOf(BLOCK).resolveSibling("README");
    for (Path file : new Path[] {abandoned, fresh, foreign}) {
      Files.writeString(file, "half");
      Files.setLastModifiedTime(file, FileTime.from(clock.instant().minus(Duration.ofDays(1))));
    }
    Files.setLastModifiedTime(fresh, FileTime.from(clock.instant()));
    reopen(1L << 30, 1000);
    assertThat(abandoned).doesNotExist();
    assertThat(fresh).exists();
    assertThat(foreign).exists();
    assertThat(tier.statistics().entries()).isEqualTo(1);
  }

  @Test
  void a_failing_disk_is_left_alone_and_tried_again_after_a_while() throws Exception {
    store(BLOCK);
    Path shard = fileOf(BLOCK).getParent();
    Path aside = parent.resolve("aside");
    Files.move(shard, aside);
    Files.writeString(shard, "not a directory: every access fails");
    for (int i = 0; i < 10; i++) {
      assertThat(tier.read(BLOCK)).isNull();
    }
    assertThat(tier.statistics().errors()).isEqualTo(ServiceGate.ERRORS_MAX);
    assertThat(tier.statistics().entries()).as("it is not gone").isEqualTo(1);
    clock.move(Duration.ofSeconds(30));
    assertThat(tier.read(BLOCK)).isNull(); // the probe fails
    assertThat(tier.read(BLOCK)).isNull();
    assertThat(tier.statistics().errors()).isEqualTo(ServiceGate.ERRORS_MAX + 1);

    Files.delete(shard);
    Files.move(aside, shard);
    assertThat(tier.read(BLOCK)).isNull(); // not yet
    clock.move(Duration.ofSeconds(30));
    assertAndRelease(tier.read(BLOCK), BLOCK);
    assertAndRelease(tier.read(BLOCK), BLOCK);
  }

  @Test
  void writes_that_fail_are_counted_and_leave_nothing_behind() throws Exception {
    Path shard = fileOf(BLOCK).getParent();
    Files.writeString(shard, "not a directory");
    for (int i = 0; i < 5; i++) {
      store(BLOCK);
    }
    assertThat(tier.statistics().errors()).isEqualTo(ServiceGate.ERRORS_MAX);
    assertThat(tier.statistics().drops()).isEqualTo(2);
    assertThat(tier.statistics().entries()).isZero();
    Files.delete(shard);
    clock.move(Duration.ofSeconds(30));
    store(BLOCK);
    assertAndRelease(tier.read(BLOCK), BLOCK);
  }

  @Test
  void a_block_whose_file_cannot_be_deleted_is_still_counted() throws Exception {
    store(small(1));
    Files.delete(fileOf(small(1)));
    Files.createDirectories(fileOf(small(1)).resolve("in the way"));
    assertThatThrownBy(() -> tier.evict(small(1))).isInstanceOf(IOException.class);
    assertThat(tier.statistics().entries()).isEqualTo(1);
    spare.set(-1);
    tier.look(); // evicts
    assertThat(tier.statistics().entries()).isEqualTo(1);
    assertThat(tier.statistics().errors()).isEqualTo(1);
    Files.delete(fileOf(small(1)).resolve("in the way"));
    tier.look();
    assertThat(tier.statistics().entries()).isZero();
  }

  @Test
  void who_asks_for_the_room_does_not_wait_again_and_again_for_a_look_that_fails()
      throws Exception {
    tier.close();
    Files.writeString(root.resolve("blocks/00"), "not a directory: it cannot be listed");
    tier = DiskTier.open(options(NAMESPACE, 1L << 30, 1000), pool, clock, path -> spare::get);
    clock.move(DiskTier.COMPLETE_MAX);
    assertTimeoutPreemptively(Duration.ofSeconds(15), tier::room);
    clock.move(DiskTier.COMPLETE_MAX.multipliedBy(-3)); // somebody sets the clock back
    assertTimeoutPreemptively(Duration.ofSeconds(15), tier::room);
  }

  @Test
  void a_first_look_that_takes_long_keeps_no_writer_waiting() throws Exception {
    CountDownLatch listed = new CountDownLatch(1);
    InstantSource slow =
        () -> {
          if (Thread.currentThread().getName().equals("curvefs-cache-watch")) {
            Threads.await(listed);
          }
          return Instant.EPOCH;
        };
    tier.close();
    tier = DiskTier.open(options(NAMESPACE, 64 * 4096, 1000), pool, slow, path -> spare::get);
    for (int i = 0; i < 8; i++) { // after each of them another look is due
      PagedBytes content = TestBlocks.content(pool, small(i));
      tier.offer(small(i), content);
      content.release();
    }
    boolean written = tier.awaitWrites(Duration.ofSeconds(10));
    listed.countDown();
    assertThat(written).isTrue();
    tier.awaitScan();
    assertThat(tier.statistics().entries()).isEqualTo(8);
  }
}
