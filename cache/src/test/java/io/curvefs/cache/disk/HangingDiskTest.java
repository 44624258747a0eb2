package io.curvefs.cache.disk;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static io.curvefs.cache.disk.TierFixture.small;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.FakeSource;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.cache.tier.TieredBlockCache;
import io.curvefs.cache.tier.TieredOptions;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk that does not answer: block files that are pipes, which nobody can open for reading before
 * somebody writes, and threads that are kept from going on.
 */
@Timeout(60)
class HangingDiskTest {
  private static final BlockId BLOCK = new BlockId(17, 3, 150_000);

  @TempDir Path parent;

  private final TierFixture fixture = new TierFixture();
  private final AtomicLong nanos = new AtomicLong();
  private final CountDownLatch writersGoOn = new CountDownLatch(1);
  private volatile boolean writersHang;

  @AfterEach
  void close() {
    writersGoOn.countDown();
    fixture.close();
  }

  private DiskTier open(String... directories) throws Exception {
    List<Path> paths = Arrays.stream(directories).map(parent::resolve).toList();
    DiskTierOptions options = TierFixture.options(paths, 1L << 30, 1000);
    FreeSpace spare =
        () -> {
          if (writersHang && Thread.currentThread().getName().equals("curvefs-cache-writer")) {
            Threads.await(writersGoOn);
          }
          return Long.MAX_VALUE / 2;
        };
    DiskTier tier = DiskTier.open(options, fixture.pool, fixture.clock, nanos::get, path -> spare);
    fixture.closeLater(tier);
    tier.awaitScan();
    return tier;
  }

  private void moveTime(Duration by) {
    nanos.addAndGet(by.toNanos());
  }

  private Path fileOf(BlockId id) {
    return TierFixture.blocks(parent.resolve("cache"))
        .resolve("%02x/%s".formatted(CacheDirectory.shardOf(id), id));
  }

  private void hangReadsOf(BlockId id) throws Exception {
    Files.delete(fileOf(id));
    TierFixture.run("mkfifo", fileOf(id).toString());
  }

  /** Those who wait for the pipe find nothing in it. */
  private void endHang(BlockId id) throws Exception {
    try (RandomAccessFile pipe = new RandomAccessFile(fileOf(id).toFile(), "rw")) {
      pipe.write(0);
    }
  }

  private interface Read {
    @Nullable PagedBytes read() throws Exception;
  }

  private static final class Reader {
    final AtomicReference<Thread> thread = new AtomicReference<>();
    final Future<@Nullable PagedBytes> outcome;

    Reader(Read read) {
      outcome =
          Threads.<@Nullable PagedBytes>startAll(
                  1,
                  i ->
                      () -> {
                        thread.set(Thread.currentThread());
                        return read.read();
                      })
              .get(0);
    }

    /** Whether it is within open(2). */
    boolean isInOpen() {
      Thread reader = thread.get();
      return reader != null
          && Arrays.stream(reader.getStackTrace())
              .limit(3)
              .anyMatch(frame -> frame.getMethodName().startsWith("open0"));
    }
  }

  @Test
  void a_read_that_hangs_takes_the_directory_out_of_service_until_a_probe_is_answered()
      throws Exception {
    DiskTier tier = open("cache");
    fixture.offer(tier, BLOCK);
    fixture.offer(tier, small(1));
    hangReadsOf(BLOCK);
    Reader stuck = new Reader(() -> tier.read(BLOCK));
    Threads.until(stuck::isInOpen);
    moveTime(HangWatch.OPERATION_MAX);
    assertThat(fixture.reads(tier, small(1))).isTrue();
    assertThat(tier.isStuck(stuck.thread.get())).isFalse();

    moveTime(Duration.ofSeconds(1));
    assertThat(fixture.reads(tier, small(1))).isFalse();
    assertThat(fixture.reads(tier, BLOCK)).isFalse();
    assertThat(tier.contains(small(1))).isFalse();
    assertThat(tier.hold(small(1), new Hold(1, true))).isFalse();
    assertThat(tier.room()).isEqualTo(TierRoom.NONE);
    assertThat(tier.isStuck(stuck.thread.get())).isTrue();
    assertThat(tier.isStuck(Thread.currentThread())).isFalse();
    assertThatThrownBy(() -> fixture.warm(tier, small(2), new Hold(1, false)))
        .hasMessageContaining("is out of service: its disk has failed or hangs");
    long dropped = tier.statistics().drops();
    fixture.offer(tier, small(3));
    assertThat(tier.statistics().drops()).isEqualTo(dropped + 1);

    moveTime(TierFixture.RETRY);
    assertThat(fixture.reads(tier, small(1))).as("before the probe is answered").isFalse();
    Threads.until(() -> tier.contains(small(1)));
    assertThat(fixture.reads(tier, small(1))).isTrue();
    assertThat(stuck.outcome.isDone()).isFalse();
    assertThat(fixture.reads(tier, BLOCK)).as("where a thread is stuck").isFalse();

    endHang(BLOCK);
    assertThat(stuck.outcome.get()).isNull();
    fixture.offer(tier, BLOCK);
    assertThat(fixture.reads(tier, BLOCK)).isTrue();
  }

  @Test
  void who_waits_for_a_block_goes_past_the_disk_that_hangs_at_who_loads_it() throws Exception {
    DiskTier disk = open("cache");
    fixture.offer(disk, BLOCK);
    fixture.offer(disk, small(1));
    FakeSource source = new FakeSource();
    MemoryTier memory = new MemoryTier(fixture.pool, 4L << 20);
    TieredBlockCache cache =
        new TieredBlockCache(fixture.pool, memory, disk, null, source, TieredOptions.DEFAULTS);
    hangReadsOf(BLOCK);
    Reader stuck = new Reader(() -> cache.read(BLOCK));
    Threads.until(stuck::isInOpen);
    List<Future<PagedBytes>> others = Threads.startAll(4, i -> () -> cache.read(BLOCK));
    moveTime(HangWatch.OPERATION_MAX.plusMillis(1));
    for (Future<PagedBytes> other : others) {
      assertAndRelease(other.get(), BLOCK);
    }
    assertThat(source.loads(BLOCK)).isEqualTo(1);
    assertAndRelease(cache.read(BLOCK), BLOCK);
    assertAndRelease(cache.read(small(1)), small(1));
    ByteBuffer piece = ByteBuffer.allocate(100);
    cache.readRange(small(2), 7, piece);
    assertThat(piece.array()).isEqualTo(Arrays.copyOfRange(TestBlocks.bytesOf(small(2)), 7, 107));
    assertThat(source.loads(small(1))).isEqualTo(1);

    endHang(BLOCK);
    assertAndRelease(stuck.outcome.get(), BLOCK);
    cache.close();
  }

  @Test
  void writers_that_hang_stop_neither_readers_nor_the_probe() throws Exception {
    DiskTier tier = open("cache");
    fixture.offer(tier, small(0));
    writersHang = true;
    for (int i = 1; i <= 8; i++) { // more than there are threads
      PagedBytes content = TestBlocks.content(fixture.pool, small(i));
      tier.offer(small(i), content);
      content.release();
    }
    Threads.until(() -> writersInHang() == 4);
    assertThat(fixture.reads(tier, small(0))).isTrue();
    moveTime(HangWatch.OPERATION_MAX.plusSeconds(1));
    assertThat(fixture.reads(tier, small(0))).isFalse();
    moveTime(TierFixture.RETRY);
    Threads.until(() -> tier.contains(small(0)));
    assertThat(fixture.reads(tier, small(0))).isTrue();

    writersGoOn.countDown();
    assertThat(tier.awaitWrites(TierFixture.LONG)).isTrue();
    fixture.offer(tier, small(9));
    assertThat(fixture.reads(tier, small(9))).isTrue();
  }

  private static long writersInHang() {
    return Thread.getAllStackTraces().entrySet().stream()
        .filter(thread -> thread.getKey().getName().equals("curvefs-cache-writer"))
        .filter(
            thread ->
                Arrays.stream(thread.getValue())
                    .anyMatch(frame -> frame.getClassName().equals(Threads.class.getName())))
        .count();
  }

  @Test
  void what_belongs_into_a_directory_that_hangs_goes_to_the_next_one() throws Exception {
    DiskTier tier = open("cache", "other");
    BlockId first = small(1);
    Placement placement = new Placement(List.of(parent.resolve("cache"), parent.resolve("other")));
    while (placement.ranked(first).get(0) != 0) {
      first = small((int) first.slice() + 1);
    }
    fixture.offer(tier, first);
    hangReadsOf(first);
    BlockId id = first;
    Reader stuck = new Reader(() -> tier.read(id));
    Threads.until(stuck::isInOpen);
    moveTime(HangWatch.OPERATION_MAX.plusSeconds(1));
    fixture.offer(tier, id);
    assertThat(fixture.reads(tier, id)).isTrue();
    endHang(id);
    assertAndRelease(stuck.outcome.get(), id); // it finds it there as well
  }
}
