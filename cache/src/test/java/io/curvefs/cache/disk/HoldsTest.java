package io.curvefs.cache.disk;

import static io.curvefs.cache.disk.TierFixture.small;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.Threads;
import io.curvefs.cache.TierRoom;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HoldsTest {
  private static final long ROOM = 10 * 4096;
  private static final Hold FIRST = new Hold(1, false);
  private static final Hold SECOND = new Hold(2, false);
  private static final Hold PINNED = new Hold(3, true);

  @TempDir Path parent;

  private final TierFixture fixture = new TierFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private DiskTier open(long bytesMax, int filesMax) throws Exception {
    return fixture.open(List.of(parent.resolve("cache")), bytesMax, filesMax);
  }

  private void assertFull(DiskTier tier, BlockId id, Hold hold, String remedy) {
    assertThatThrownBy(() -> fixture.warm(tier, id, hold))
        .isInstanceOf(CacheFullException.class)
        .hasMessageContaining(remedy);
  }

  @Test
  void nothing_warmed_in_a_job_is_evicted_by_the_same_job() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    for (int i = 0; i < 10; i++) {
      fixture.warm(tier, small(i), FIRST);
    }
    for (int i = 10; i < 30; i++) {
      assertFull(tier, small(i), FIRST, "mount with a larger cache_size");
      fixture.offer(tier, small(i));
    }
    assertThat(tier.statistics().evictions()).isZero();
    for (int i = 0; i < 10; i++) {
      assertThat(fixture.reads(tier, small(i))).as("block %d", i).isTrue();
    }
    assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, ROOM, ROOM));
  }

  @Test
  void what_is_not_held_makes_room_for_what_is_warmed_however_often_it_is_used() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    for (int i = 0; i < 10; i++) {
      fixture.offer(tier, small(i));
      assertThat(fixture.reads(tier, small(i))).isTrue();
    }
    for (int i = 10; i < 20; i++) {
      fixture.warm(tier, small(i), FIRST);
    }
    assertThat(tier.statistics().evictions()).isEqualTo(10);
    assertThat(tier.room().bytesObtainable()).isZero();
  }

  @Test
  void when_a_job_is_released_its_blocks_make_room_but_not_those_of_another_job() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    for (int i = 0; i < 10; i++) {
      fixture.warm(tier, small(i), FIRST);
    }
    for (int i = 0; i < 4; i++) {
      assertThat(tier.hold(small(i), SECOND)).isTrue();
    }
    tier.release(1);
    assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, ROOM, 4 * 4096));
    assertThat(tier.isHeld(small(3))).isTrue();
    assertThat(tier.isHeld(small(4))).isFalse();
    for (int i = 20; i < 26; i++) {
      fixture.warm(tier, small(i), SECOND);
    }
    assertFull(tier, small(26), SECOND, "curvefs warmup evict");
    for (int i = 0; i < 4; i++) {
      assertThat(tier.contains(small(i))).isTrue();
    }
    tier.release(2);
    tier.release(2);
    assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, ROOM, 0));
  }

  @Test
  void the_limit_of_files_holds_for_what_is_warmed_too() throws Exception {
    DiskTier tier = open(1 << 30, 3);
    for (int i = 0; i < 3; i++) {
      fixture.warm(tier, small(i), FIRST);
    }
    assertFull(tier, small(3), FIRST, "mount with a larger cache_files");
  }

  @Test
  void who_has_filled_his_part_of_a_shared_directory_is_told_of_cache_size() throws Exception {
    long room = 64 * 4096;
    DiskTier tier = open(room, 1000);
    open(room, 1000); // another mount, for which a 64th is left
    tier.look();
    for (int i = 0; i < 63; i++) {
      fixture.warm(tier, small(i), FIRST);
    }
    assertFull(tier, small(63), FIRST, "mount with a larger cache_size");
  }

  @Test
  void pins_outlive_their_job_and_a_restart_until_they_are_evicted_by_name() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    fixture.offer(tier, small(0));
    fixture.warm(tier, small(0), PINNED); // was there
    fixture.warm(tier, small(1), PINNED);
    tier.release(PINNED.job());
    tier.close();
    tier = open(ROOM, 1000);
    assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, 2 * 4096, 2 * 4096));
    for (int i = 10; i < 40; i++) {
      fixture.offer(tier, small(i));
    }
    assertThat(tier.statistics().evictions()).isPositive();
    assertThat(fixture.reads(tier, small(0))).isTrue();
    assertThat(fixture.reads(tier, small(1))).isTrue();
    assertThat(tier.evict(small(0))).isTrue();
    assertThat(tier.evict(small(0))).isFalse();
    assertThat(tier.room().bytesHeld()).isEqualTo(4096);
    assertThat(fixture.reads(tier, small(0))).isFalse();
  }

  @Test
  void a_pin_is_the_missing_permission_to_write() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    fixture.warm(tier, small(0x12), PINNED);
    fixture.warm(tier, small(0x13), FIRST);
    Path blocks = TierFixture.blocks(parent.resolve("cache"));
    assertThat(permissions(blocks.resolve("12/18_0_1000"))).isEqualTo("r--------");
    assertThat(permissions(blocks.resolve("13/19_0_1000"))).isEqualTo("rw-------");
  }

  private static String permissions(Path file) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  @Test
  void what_another_process_pinned_is_not_evicted_here() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    for (int i = 0; i < 10; i++) {
      fixture.offer(tier, small(i));
    }
    DiskTier other = open(1 << 30, 1000);
    fixture.warm(other, small(0), PINNED); // the next victim of the first
    for (int i = 10; i < 20; i++) {
      fixture.offer(tier, small(i));
    }
    assertThat(fixture.reads(tier, small(0))).isTrue();
    assertThat(tier.room().bytesHeld()).isEqualTo(4096);
  }

  @Test
  void a_block_that_another_process_has_pinned_meanwhile_is_written_without_losing_the_pin()
      throws Exception {
    DiskTier tier = open(ROOM, 1000);
    DiskTier other = open(ROOM, 1000);
    fixture.warm(other, small(0x12), PINNED); // this process has not looked since
    fixture.offer(tier, small(0x12));
    Path file = TierFixture.blocks(parent.resolve("cache")).resolve("12/18_0_1000");
    assertThat(permissions(file)).isEqualTo("r--------");
    assertThat(tier.room().bytesHeld()).isEqualTo(4096);
    assertThat(fixture.reads(tier, small(0x12))).isTrue();

    fixture.offer(other, small(0x13));
    fixture.warm(tier, small(0x13), PINNED);
    assertThat(permissions(file.resolveSibling("../13/19_0_1000"))).isEqualTo("r--------");
  }

  @Test
  void a_torn_file_is_replaced_when_the_block_is_written() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    fixture.offer(tier, small(0x112)); // of the same sub-directory
    Path file = TierFixture.blocks(parent.resolve("cache")).resolve("12/18_0_1000");
    Files.write(file, new byte[10]);
    fixture.offer(tier, small(0x12));
    assertThat(fixture.reads(tier, small(0x12))).isTrue();
    try (Stream<Path> files = Files.list(file.getParent())) {
      assertThat(files).as("names left behind").hasSize(2);
    }
  }

  /** One pins what the other writes or evicts at this very moment. */
  @Test
  void whoever_writes_or_evicts_at_the_same_time_no_pin_is_lost() throws Exception {
    int rounds = 600;
    DiskTier tier = open(ROOM, 1000);
    DiskTier other = open(1L << 30, 100_000);
    CacheDirectory evicting =
        CacheDirectory.open(parent.resolve("cache"), TierFixture.NAMESPACE); // as one's own
    for (int i = 0; i < rounds; i++) {
      BlockId id = small(i);
      if (i % 2 == 0) {
        fixture.offer(tier, id);
      }
      Threads.runAll(
          2,
          thread ->
              () -> {
                if (thread == 0) {
                  fixture.warm(other, id, PINNED);
                } else if (id.slice() % 2 == 1) {
                  fixture.offer(tier, id);
                } else {
                  evicting.deleteUnpinned(id);
                }
                return null;
              });
      Path file =
          TierFixture.blocks(parent.resolve("cache"))
              .resolve("%02x/%s".formatted(CacheDirectory.shardOf(id), id));
      assertThat(permissions(file)).as("round %d", i).isEqualTo("r--------");
      assertThat(other.evict(id)).isTrue();
    }
  }

  @Test
  void a_block_that_is_not_there_cannot_be_held() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    assertThat(tier.hold(small(0), FIRST)).isFalse();
    fixture.offer(tier, small(0));
    Files.delete(TierFixture.blocks(parent.resolve("cache")).resolve("00/0_0_1000"));
    assertThat(tier.hold(small(0), PINNED)).isFalse();
    assertThat(tier.contains(small(0))).isFalse();
    assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, 0, 0));
  }

  @Test
  void a_block_that_vanished_is_written_again_when_it_is_warmed() throws Exception {
    DiskTier tier = open(ROOM, 1000);
    fixture.offer(tier, small(0));
    Files.delete(TierFixture.blocks(parent.resolve("cache")).resolve("00/0_0_1000"));
    fixture.warm(tier, small(0), FIRST);
    assertThat(fixture.reads(tier, small(0))).isTrue();
    assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, 4096, 4096));
  }

  @Test
  void what_a_cancelled_job_was_about_to_store_is_not_held_for_ever() throws Exception {
    CountDownLatch storing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    FreeSpace slow =
        () -> {
          if (Thread.currentThread().getName().equals("curvefs-cache-writer")) {
            storing.countDown();
            Threads.await(goOn);
          }
          return Long.MAX_VALUE / 2;
        };
    try (DiskTier tier =
        DiskTier.open(
            TierFixture.options(List.of(parent.resolve("cache")), ROOM, 1000),
            fixture.pool,
            fixture.clock,
            directory -> slow)) {
      tier.awaitScan();
      AtomicReference<Thread> job = new AtomicReference<>();
      Future<Integer> warming =
          Threads.<Integer>startAll(
                  1,
                  i ->
                      () -> {
                        job.set(Thread.currentThread());
                        fixture.warm(tier, small(1), FIRST);
                        return 0;
                      })
              .get(0);
      Threads.await(storing);
      job.get().interrupt();
      assertThat(Threads.failureOf(warming)).isInstanceOf(InterruptedIOException.class);
      tier.release(FIRST.job());
      goOn.countDown();
      assertThat(tier.awaitWrites(TierFixture.LONG)).isTrue();
      assertThat(tier.room()).isEqualTo(new TierRoom(ROOM, 4096, 0));
    } finally {
      goOn.countDown();
    }
  }
}
