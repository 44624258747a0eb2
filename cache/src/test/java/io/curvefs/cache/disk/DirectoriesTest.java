package io.curvefs.cache.disk;

import static io.curvefs.cache.disk.TierFixture.LONG;
import static io.curvefs.cache.disk.TierFixture.RETRY;
import static io.curvefs.cache.disk.TierFixture.blocks;
import static io.curvefs.cache.disk.TierFixture.bytesIn;
import static io.curvefs.cache.disk.TierFixture.run;
import static io.curvefs.cache.disk.TierFixture.small;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TierRoom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several directories, and disks that fill up, fail and come back. */
class DirectoriesTest {
  private static final Hold HOLD = new Hold(1, false);

  @TempDir Path parent;

  private final TierFixture fixture = new TierFixture();
  private Path first;
  private Path second;

  @BeforeEach
  void nameThem() {
    first = parent.resolve("first");
    second = parent.resolve("second");
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private DiskTier open(long bytesMax) throws Exception {
    return fixture.open(List.of(first, second), bytesMax, 10_000);
  }

  private int readable(DiskTier tier, int count) throws IOException {
    int readable = 0;
    for (int i = 0; i < count; i++) {
      readable += fixture.reads(tier, small(i)) ? 1 : 0;
    }
    return readable;
  }

  @Test
  void blocks_are_spread_over_the_directories_and_the_limit_is_split() throws Exception {
    DiskTier tier = open(40 * 4096);
    for (int i = 0; i < 100; i++) {
      fixture.offer(tier, small(i));
    }
    assertThat(bytesIn(first)).isEqualTo(20 * 4096);
    assertThat(bytesIn(second)).isEqualTo(20 * 4096);
    assertThat(tier.room()).isEqualTo(new TierRoom(40 * 4096, 40 * 4096, 0));
    assertThat(readable(tier, 100)).isEqualTo(40);
  }

  @Test
  void what_is_warmed_goes_to_the_next_directory_when_its_own_is_full() throws Exception {
    DiskTier tier = open(40 * 4096);
    for (int i = 0; i < 40; i++) {
      fixture.warm(tier, small(i), HOLD);
    }
    assertThat(readable(tier, 40)).isEqualTo(40);
    assertThatThrownBy(() -> fixture.warm(tier, small(40), HOLD))
        .isInstanceOf(CacheFullException.class);
  }

  @Test
  void blocks_are_found_after_a_directory_came_or_went() throws Exception {
    try (DiskTier alone = fixture.open(List.of(first), 1 << 20, 1000)) {
      for (int i = 0; i < 20; i++) {
        fixture.offer(alone, small(i));
      }
    }
    DiskTier both = open(2 << 20);
    assertThat(readable(both, 20)).isEqualTo(20);
    for (int i = 20; i < 40; i++) {
      fixture.offer(both, small(i));
    }
    int inSecond = (int) (bytesIn(second) / 4096);
    assertThat(inSecond).isBetween(3, 17);
    both.close();
    DiskTier left = fixture.open(List.of(first), 1 << 20, 1000);
    assertThat(readable(left, 40)).isEqualTo(40 - inSecond);
  }

  @Test
  void a_failing_directory_is_taken_out_of_service_and_comes_back() throws Exception {
    DiskTier tier = open(1 << 20);
    for (int i = 0; i < 20; i++) {
      fixture.offer(tier, small(i));
    }
    int inFirst = (int) (bytesIn(first) / 4096);
    assertThat(inFirst).isBetween(3, 17);
    Path aside = parent.resolve("aside");
    Files.move(blocks(first), aside);
    Files.writeString(blocks(first), "no directory: every access fails");

    assertThat(readable(tier, 20)).isEqualTo(20 - inFirst);
    for (int i = 20; i < 60; i++) {
      fixture.offer(tier, small(i));
    }
    long failures = tier.statistics().errors();
    assertThat(failures).isBetween(3L, 2L * ServiceGate.ERRORS_MAX + 1);
    for (int i = 60; i < 80; i++) {
      fixture.offer(tier, small(i));
      assertThat(fixture.reads(tier, small(i))).as("block %d", i).isTrue();
    }
    assertThat(tier.statistics().errors()).isEqualTo(failures);
    assertThat(tier.room().bytesMax()).isEqualTo(1 << 19);

    for (int i = 0; i < 20; i++) {
      assertEvicts(tier, small(i), Files.exists(fileIn(aside, small(i))));
    }

    Files.delete(blocks(first));
    Files.move(aside, blocks(first));
    fixture.clock.move(RETRY);
    for (int i = 80; i < 100; i++) {
      fixture.offer(tier, small(i));
    }
    assertThat(bytesIn(first) / 4096).isGreaterThan(inFirst);
    assertThat(readable(tier, 20)).as("could not be evicted").isEqualTo(inFirst);
    for (int i = 60; i < 100; i++) {
      assertThat(fixture.reads(tier, small(i))).as("block %d", i).isTrue();
    }
    assertThat(tier.room().bytesMax()).isEqualTo(1 << 20);
  }

  /** Nobody is told that a block is gone which is there again when its disk is. */
  private static void assertEvicts(DiskTier tier, BlockId id, boolean outOfService)
      throws IOException {
    if (outOfService) {
      assertThatThrownBy(() -> tier.evict(id)).hasMessageContaining("is out of service");
    } else {
      assertThat(tier.evict(id)).as("block %s", id).isTrue();
    }
  }

  private static Path fileIn(Path blocks, BlockId id) {
    return blocks.resolve("%02x".formatted(CacheDirectory.shardOf(id))).resolve(id.toString());
  }

  @Test
  void what_could_not_be_pinned_is_not_kept_for_ever() throws Exception {
    TierFixture.requireRoot();
    Files.createDirectory(first);
    run("mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", first.toString());
    try (DiskTier tier = fixture.open(List.of(first), 1 << 20, 1000)) {
      fixture.offer(tier, small(1));
      run("mount", "-o", "remount,ro", first.toString());
      assertThat(tier.hold(small(1), new Hold(7, true))).isFalse();
      run("mount", "-o", "remount,rw", first.toString());
      tier.release(7);
      assertThat(tier.room()).isEqualTo(new TierRoom(1 << 20, 4096, 0));
    } finally {
      run("umount", first.toString());
    }
  }

  @Test
  void what_is_warmed_avoids_a_disk_that_became_read_only_whose_blocks_are_still_read()
      throws Exception {
    TierFixture.requireRoot();
    Files.createDirectory(first);
    run("mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", first.toString());
    try {
      DiskTier tier = open(4 << 20);
      for (int i = 0; i < 20; i++) {
        fixture.warm(tier, small(i), HOLD);
      }
      long before = bytesIn(first);
      assertThat(before).isPositive();
      run("mount", "-o", "remount,ro", first.toString());
      for (int i = 20; i < 60; i++) {
        fixture.warm(tier, small(i), HOLD);
      }
      assertThat(readable(tier, 60)).isEqualTo(60);
      assertThat(bytesIn(first)).isEqualTo(before);
      assertThat(tier.statistics().errors()).isPositive();
      run("mount", "-o", "remount,rw", first.toString());
      fixture.clock.move(RETRY);
      for (int i = 60; i < 80; i++) {
        fixture.warm(tier, small(i), HOLD);
      }
      assertThat(bytesIn(first)).isGreaterThan(before);
      tier.close();
    } finally {
      run("umount", first.toString());
    }
  }

  @Test
  void a_full_disk_costs_no_error_and_no_block_that_was_there() throws Exception {
    TierFixture.requireRoot();
    Files.createDirectory(first);
    run("mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", first.toString());
    try {
      DiskTier tier = fixture.open(List.of(first), 1 << 30, 10_000);
      Files.write(first.resolve("of-others"), new byte[2 << 20]);
      int taken = 0;
      for (int i = 0; i < 40; i++) {
        BlockId id = new BlockId(i, 0, 150_000);
        try {
          fixture.warm(tier, id, HOLD);
          taken++;
        } catch (CacheFullException e) {
          assertThat(e).hasMessageContaining("free some space");
        }
      }
      assertThat(taken).isBetween(10, 14);
      for (int i = 100; i < 110; i++) {
        fixture.offer(tier, new BlockId(i, 0, 150_000)); // dropped
      }
      for (int i = 0; i < taken; i++) {
        assertThat(fixture.reads(tier, new BlockId(i, 0, 150_000))).isTrue();
      }
      assertThat(tier.statistics().errors()).isZero();
      assertThat(tier.room().bytesObtainable()).isLessThan(150_000);

      tier.release(HOLD.job());
      fixture.warm(tier, new BlockId(200, 0, 150_000), HOLD); // in place of another
      assertThat(tier.statistics().evictions()).isEqualTo(1);
      Files.delete(first.resolve("of-others"));
      fixture.warm(tier, new BlockId(201, 0, 150_000), HOLD);
      assertThat(tier.statistics().evictions()).isEqualTo(1);
      assertThat(tier.awaitWrites(LONG)).isTrue();
      tier.close();
    } finally {
      run("umount", first.toString());
    }
  }

  @Test
  void what_others_keep_beside_the_blocks_is_left_alone() throws Exception {
    DiskTier tier = fixture.open(List.of(first), 1 << 20, 1000);
    fixture.offer(tier, small(0));
    Path whole = first.resolve(TierFixture.NAMESPACE.toString()).resolve("files/123_4");
    Files.createDirectory(whole.getParent());
    Files.writeString(whole, "a file that is cached whole");
    tier.close();
    DiskTier again = fixture.open(List.of(first), 4096, 1);
    fixture.offer(again, small(1));
    again.dropAll();
    assertThat(again.statistics().entries()).isZero();
    assertThat(whole).content().isEqualTo("a file that is cached whole");
  }

  @Test
  void a_directory_named_twice_is_refused() {
    assertThatThrownBy(() -> TierFixture.options(List.of(first, first), 1 << 20, 10))
        .hasMessageContaining("named twice");
  }
}
