package io.curvefs.client.staging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.curvefs.cache.BlockId;
import io.curvefs.client.testing.LossySegments;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class JournalTest {
  private static final UUID FILE_SYSTEM = new UUID(0x1122334455667788L, 0x99aabbccddeeff00L);
  private static final long BYTES_MAX = 64 << 20;
  private static final long WRITER = 0x0807060504030201L;

  private final AtomicLong now = new AtomicLong(1);
  private int slices;

  private static Timestamp at(long seconds) {
    return Timestamp.newBuilder().setSeconds(seconds).build();
  }

  private Journal open(SegmentStore store) throws IOException {
    return open(store, BYTES_MAX);
  }

  private Journal open(SegmentStore store, long bytesMax) throws IOException {
    return Journal.open(store, FILE_SYSTEM, bytesMax, true, () -> at(7), now::get, () -> WRITER);
  }

  /** A block that was put into a journal. */
  private record Put(long sequence, BlockId id, byte[] bytes, CompletableFuture<Void> safe) {
    void await() {
      try {
        safe.get(30, TimeUnit.SECONDS);
      } catch (InterruptedException | ExecutionException | TimeoutException e) {
        throw new AssertionError(e);
      }
    }

    boolean isSafe() {
      return safe.isDone() && !safe.isCompletedExceptionally();
    }
  }

  private Put put(Journal journal, long inode, byte[] bytes) {
    return put(journal, inode, bytes, 1);
  }

  private Put put(Journal journal, long inode, byte[] bytes, int extents) {
    BlockId id = new BlockId(++slices, 0, bytes.length);
    Extent extent =
        Extent.newBuilder()
            .setLength(bytes.length)
            .setSlice(id.slice())
            .setSliceLength(bytes.length)
            .build();
    CompletableFuture<Void> safe = new CompletableFuture<>();
    OptionalLong sequence =
        journal.append(
            new Journal.NewBlock(
                new InodeId(inode),
                id,
                0,
                Collections.nCopies(extents, extent),
                bytes.length,
                at(slices)),
            List.of(ByteBuffer.wrap(bytes)),
            failure -> {
              if (failure == null) {
                safe.complete(null);
              } else {
                safe.completeExceptionally(failure);
              }
            });
    return sequence.isEmpty() ? null : new Put(sequence.getAsLong(), id, bytes, safe);
  }

  private static byte[] random(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static CompletableFuture<Void> done(Journal journal, long inode, long upTo) {
    CompletableFuture<Void> safe = new CompletableFuture<>();
    journal.done(
        new InodeId(inode),
        upTo,
        failure -> {
          if (failure == null) {
            safe.complete(null);
          } else {
            safe.completeExceptionally(failure);
          }
        });
    return safe;
  }

  private static byte[] content(Journal journal, BlockId id) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(id.length());
    assertThat(journal.read(id, 0, id.length(), List.of(into))).isTrue();
    assertThat(into.hasRemaining()).isFalse();
    return into.array();
  }

  @Test
  void a_journal_gives_back_what_was_put_into_it_now_and_after_a_restart(@TempDir Path directory)
      throws IOException {
    Random random = new Random(1);
    byte[] small = random(random, 1000);
    byte[] large = random(random, 4 << 20);
    Put first;
    Put second;
    try (Journal journal = open(SegmentDirectory.open(directory))) {
      first = put(journal, 5, small);
      second = put(journal, 6, large);
      first.await();
      second.await();
      assertThat(content(journal, first.id())).isEqualTo(small);
      assertThat(content(journal, second.id())).isEqualTo(large);
      ByteBuffer part = ByteBuffer.allocate(100_000);
      assertThat(journal.read(second.id(), 3_000_000, 100_000, List.of(part))).isTrue();
      assertThat(part.array()).isEqualTo(Arrays.copyOfRange(large, 3_000_000, 3_100_000));
      journal.times(new InodeId(6), second.sequence(), at(99)).join();
    }
    assertThat(SegmentDirectory.bytesIn(directory)).isGreaterThan(4 << 20);
    try (Journal journal = open(SegmentDirectory.open(directory))) {
      List<StagedBlock> recovered = journal.recovered();
      assertThat(recovered)
          .extracting(StagedBlock::sequence)
          .containsExactly(first.sequence(), second.sequence());
      assertThat(recovered).extracting(StagedBlock::mtime).containsExactly(at(1), at(99));
      assertThat(journal.recovered()).as("told once").isEmpty();
      assertThat(content(journal, second.id())).isEqualTo(large);
      assertThat(journal.usage().oldest()).isEqualTo(at(7));
      assertThat(journal.usage().files()).isEqualTo(2);
      done(journal, 5, first.sequence()).join();
      done(journal, 6, second.sequence()).join();
      assertThat(journal.read(first.id(), 0, 10, List.of(ByteBuffer.allocate(10)))).isFalse();
    }
    assertThat(SegmentDirectory.bytesIn(directory)).as("left by a journal without blocks").isZero();
  }

  @Test
  void cut_at_any_byte_a_journal_is_what_was_whole_before() throws IOException {
    LossySegments store = new LossySegments();
    List<Put> puts = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    try (Journal journal = open(store)) {
      for (int i = 0; i < 6; i++) {
        Put put = put(journal, 1 + i % 2, random(new Random(i), 1 + i * 37));
        put.await();
        puts.add(put);
        ends.add(store.bytes(1).length);
      }
      byte[] whole = store.bytes(1);
      for (int length = 0; length <= whole.length; length++) {
        LossySegments cut = new LossySegments();
        cut.put(1, Arrays.copyOf(whole, length));
        int end = length;
        try (Journal recovered = open(cut)) {
          assertThat(recovered.recovered())
              .as("cut at %s", length)
              .extracting(StagedBlock::sequence)
              .containsExactlyElementsOf(
                  puts.stream()
                      .filter(put -> ends.get(puts.indexOf(put)) <= end)
                      .map(Put::sequence)
                      .toList());
        }
      }
    }
  }

  @Test
  void a_flipped_bit_in_the_last_record_ends_the_journal_before_it_and_one_further_up_is_told_of()
      throws IOException {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store)) {
      Put first = put(journal, 1, random(new Random(1), 200));
      first.await();
      int middle = store.bytes(1).length;
      put(journal, 1, random(new Random(2), 200)).await();
      byte[] whole = store.bytes(1);
      for (int at = 0; at < whole.length; at++) {
        byte[] flipped = whole.clone();
        flipped[at] ^= (byte) (1 << at % 8);
        LossySegments damaged = new LossySegments();
        damaged.put(1, flipped);
        if (at < middle) {
          assertThatThrownBy(() -> open(damaged))
              .as("flipped at %s", at)
              .isInstanceOf(IOException.class)
              .hasMessageMatching("(?s).*(damaged|another version|another file system).*");
        } else {
          try (Journal recovered = open(damaged)) {
            assertThat(recovered.recovered())
                .as("flipped at %s", at)
                .extracting(StagedBlock::sequence)
                .containsExactly(first.sequence());
          }
        }
      }
    }
  }

  /** Has what is put meanwhile be written and forced at once. */
  private void inOneBatch(Journal journal, Runnable puts) throws InterruptedException {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    journal.done(
        new InodeId(1),
        0,
        failure -> {
          held.countDown();
          awaitUninterruptibly(go);
        });
    held.await();
    puts.run();
    go.countDown();
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void damage_is_told_of_when_what_follows_it_first_was_forced_together_with_it() throws Exception {
    LossySegments store = new LossySegments();
    List<Put> puts = new ArrayList<>();
    try (Journal journal = open(store)) {
      put(journal, 1, random(new Random(1), 200)).await();
      int damagedFrom = store.bytes(1).length + 100; // behind the record that begins the batch
      inOneBatch(
          journal,
          () -> {
            for (int i = 0; i < 3; i++) {
              puts.add(put(journal, 1, random(new Random(i), 200)));
            }
          });
      puts.forEach(Put::await);
      put(journal, 1, random(new Random(9), 200)).await();
      byte[] damaged = store.bytes(1);
      damaged[damagedFrom] ^= 1;
      LossySegments found = new LossySegments();
      found.put(1, damaged);
      assertThatThrownBy(() -> open(found)).hasMessageContaining("is damaged");
      assertThat(found.bytes(1)).as("is not cut").isEqualTo(damaged);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void after_a_power_cut_all_that_was_acknowledged_is_there_in_order(long seed) throws Exception {
    Random random = new Random(seed);
    LossySegments store = new LossySegments();
    Map<Long, Put> puts = new ConcurrentHashMap<>();
    Map<Long, Long> doneSafely = new TreeMap<>();
    Map<Long, Long> doneAtAll = new TreeMap<>();
    Map<Long, List<Put>> byInode = new TreeMap<>();
    List<Runnable> acknowledged = new ArrayList<>();
    Journal journal = open(store, 8 << 20); // segments of 1 MiB
    int steps = 50 + random.nextInt(150);
    for (int step = 0; step < steps; step++) {
      long inode = 1 + random.nextInt(4);
      List<Put> ofInode = byInode.computeIfAbsent(inode, i -> new ArrayList<>());
      if (random.nextInt(4) == 0 && !ofInode.isEmpty()) {
        Put some = ofInode.get(random.nextInt(ofInode.size()));
        some.await();
        CompletableFuture<Void> safe = done(journal, inode, some.sequence());
        doneAtAll.merge(inode, some.sequence(), Math::max);
        acknowledged.add(
            () -> {
              if (safe.isDone() && !safe.isCompletedExceptionally()) {
                doneSafely.merge(inode, some.sequence(), Math::max);
              }
            });
      } else {
        Put put = put(journal, inode, random(random, 1 + random.nextInt(100_000)));
        if (put != null) {
          ofInode.add(put);
          puts.put(put.sequence(), put);
        }
      }
    }
    store.cutPower();
    try {
      journal.close();
    } catch (IOException e) {
      // the power is off
    }
    acknowledged.forEach(Runnable::run);

    try (Journal recovered = open(store.afterPowerCut(random), 8 << 20)) {
      TreeMap<Long, StagedBlock> found = new TreeMap<>();
      recovered.recovered().forEach(block -> found.put(block.sequence(), block));
      byInode.forEach(
          (inode, all) -> {
            boolean ended = false;
            for (Put put : all) {
              boolean here = found.containsKey(put.sequence());
              boolean mayBeDone = put.sequence() <= doneAtAll.getOrDefault(inode, 0L);
              boolean isDone = put.sequence() <= doneSafely.getOrDefault(inode, 0L);
              String what = "seed " + seed + ", block " + put.sequence() + " of inode " + inode;
              if (put.isSafe() && !mayBeDone) {
                assertThat(here).as(what).isTrue();
              }
              if (isDone) {
                assertThat(here).as(what + " is done").isFalse();
              }
              if (here) {
                assertThat(ended).as(what + " follows one that is missing").isFalse();
              }
              ended |= !here && !mayBeDone;
            }
          });
      for (StagedBlock block : found.values()) {
        assertThat(content(recovered, block.id()))
            .as("seed %s, block %s", seed, block.sequence())
            .isEqualTo(puts.get(block.sequence()).bytes());
      }
    }
  }

  @Test
  void a_segment_goes_after_those_before_it_and_makes_room() throws IOException {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store, 8 << 20)) {
      List<Put> puts = new ArrayList<>();
      Put put = put(journal, 1, new byte[700_000]);
      while (put != null) {
        puts.add(put);
        put.await();
        put = put(journal, 1 + puts.size(), new byte[700_000]);
      }
      assertThat(puts).as("blocks that fit").hasSize(11);
      int segments = store.list().size();
      for (int i = 1; i < puts.size(); i++) {
        done(journal, 1 + i, puts.get(i).sequence()).join();
      }
      assertThat(put(journal, 50, new byte[700_000])).as("while the oldest is not done").isNull();
      assertThat(store.list().size()).isGreaterThanOrEqualTo(segments);
      done(journal, 1, puts.get(0).sequence()).join();
      // What one more record comes to is done behind the drop.
      journal.times(new InodeId(1), 0, at(1)).join();
      journal.times(new InodeId(1), 0, at(1)).join();
      assertThat(journal.usage().storedBytes()).isLessThan(2 << 20);
      assertThat(put(journal, 51, new byte[700_000])).isNotNull();
    }
  }

  @Test
  void a_full_disk_refuses_what_waits_and_later_is_used_again() throws IOException {
    LossySegments store = new LossySegments();
    Put kept;
    Put later;
    try (Journal journal = open(store)) {
      kept = put(journal, 1, new byte[1000]);
      kept.await();
      store.fail(true);
      Put refused = put(journal, 1, new byte[1000]);
      assertThatThrownBy(() -> refused.safe().get(30, TimeUnit.SECONDS))
          .hasMessageContaining("no space left");
      assertThat(put(journal, 1, new byte[1000])).as("in the pause").isNull();
      store.fail(false);
      done(journal, 1, 0).join(); // by now the pause has begun
      now.addAndGet(TimeUnit.SECONDS.toNanos(11));
      later = put(journal, 1, new byte[1000]);
      later.await();
      assertThat(content(journal, kept.id())).hasSize(1000);
    }
    try (Journal recovered = open(store)) {
      assertThat(recovered.recovered())
          .extracting(StagedBlock::sequence)
          .containsExactly(kept.sequence(), later.sequence());
    }
  }

  @Test
  void what_cannot_be_forced_is_not_acknowledged_and_cut() throws Exception {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store)) {
      Put kept = put(journal, 1, new byte[1000]);
      kept.await();
      int whole = store.bytes(1).length;
      store.failForces(true);
      Put refused = put(journal, 1, new byte[1000]);
      assertThatThrownBy(() -> refused.safe().get(30, TimeUnit.SECONDS))
          .hasMessageContaining("input/output error");
      assertThat(store.bytes(1)).hasSize(whole);
      store.failForces(false);
    }
  }

  @Test
  void a_journal_that_cannot_be_cut_takes_nothing_more_and_keeps_what_it_has() throws Exception {
    LossySegments store = new LossySegments();
    Put kept;
    try (Journal journal = open(store)) {
      kept = put(journal, 1, new byte[1000]);
      kept.await();
      store.failForces(true);
      store.failCuts(true);
      Put refused = put(journal, 1, new byte[1000]);
      assertThatThrownBy(() -> refused.safe().get(30, TimeUnit.SECONDS))
          .hasMessageContaining("input/output error");
      store.failForces(false);
      store.failCuts(false);
      now.addAndGet(TimeUnit.SECONDS.toNanos(11));
      assertThat(put(journal, 1, new byte[1000])).as("until the next mount").isNull();
      assertThat(content(journal, kept.id())).hasSize(1000);
    }
    try (Journal recovered = open(store)) {
      assertThat(recovered.recovered()).extracting(StagedBlock::sequence).contains(kept.sequence());
    }
  }

  @Test
  void the_pause_of_a_failing_disk_begins_when_all_that_was_lost_is_told_of() throws Exception {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store)) {
      put(journal, 1, new byte[1000]).await();
      store.onTruncate(() -> now.addAndGet(TimeUnit.SECONDS.toNanos(11))); // a slow disk
      List<Put> lost = new ArrayList<>();
      CompletableFuture<Put> whenTold = new CompletableFuture<>();
      inOneBatch(
          journal,
          () -> {
            store.fail(true);
            lost.add(put(journal, 1, new byte[1000]));
            lost.add(put(journal, 1, new byte[1000]));
            lost.get(0)
                .safe()
                .whenComplete(
                    (done, failure) -> whenTold.complete(put(journal, 1, new byte[1000])));
          });
      assertThat(whenTold.get(30, TimeUnit.SECONDS)).as("behind one that was lost").isNull();
      assertThatThrownBy(() -> lost.get(1).safe().get(30, TimeUnit.SECONDS))
          .hasMessageContaining("no space left");
      store.fail(false);
    }
  }

  @Test
  void extents_cost_memory_too_and_are_bounded() throws Exception {
    try (Journal journal = open(new LossySegments())) {
      List<Put> puts = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        Put put = put(journal, 1 + i, new byte[10], 100_000);
        if (put != null) {
          puts.add(put);
        }
      }
      assertThat(puts).as("blocks of 100,000 extents").hasSize(2);
      puts.forEach(Put::await);
      assertThat(put(journal, 9, new byte[10], 100_000)).as("stored, not queued").isNull();
      done(journal, 1, puts.get(0).sequence()).join();
      Put more = put(journal, 9, new byte[10], 100_000);
      assertThat(more).as("once one is done").isNotNull();
      more.await();
    }
  }

  @Test
  void a_full_journal_takes_no_times_either() throws Exception {
    try (Journal journal = open(new LossySegments(), 8 << 20)) {
      for (int length : new int[] {700_000, 10_000, 1}) {
        Put put = put(journal, 1, new byte[length]);
        while (put != null) {
          put.await();
          put = put(journal, 1, new byte[length]);
        }
      }
      assertThatThrownBy(() -> journal.times(new InodeId(1), 1, at(5)).get(30, TimeUnit.SECONDS))
          .hasMessageContaining("full");
    }
  }

  @Test
  void damaged_bytes_are_never_given() throws IOException {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store)) {
      Put put = put(journal, 1, random(new Random(1), 10_000));
      put.await();
      byte[] whole = store.bytes(1);
      LossySegments copy = new LossySegments();
      copy.put(1, whole);
      try (Journal other = open(copy)) {
        copy.flip(1, whole.length - 5000);
        assertThatThrownBy(() -> content(other, put.id())).hasMessageContaining("damaged");
      }
    }
  }

  @Test
  void a_journal_of_another_file_system_is_refused() throws IOException {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store)) {
      put(journal, 1, new byte[10]).await();
      LossySegments copy = store.copy();
      assertThatThrownBy(
              () ->
                  Journal.open(
                      copy, new UUID(1, 2), BYTES_MAX, true, () -> at(1), now::get, () -> WRITER))
          .hasMessageContaining("belongs to another file system")
          .hasMessageContaining("writeback_dir");
    }
  }

  @Test
  void a_directory_is_used_by_one_at_a_time_and_not_shared_with_others(@TempDir Path directory)
      throws IOException {
    Path journal = directory.resolve("journal");
    try (SegmentDirectory first = SegmentDirectory.open(journal)) {
      assertThat(first.list()).isEmpty();
      assertThatThrownBy(() -> SegmentDirectory.open(journal))
          .isInstanceOf(SegmentDirectory.InUseException.class)
          .hasMessageContaining("in use by process " + ProcessHandle.current().pid());
    }
    SegmentDirectory.open(journal).close();
    Files.setPosixFilePermissions(journal, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> SegmentDirectory.open(journal)).hasMessageContaining("chmod 700");
  }

  @Test
  void a_directory_that_is_none_is_told_of_with_its_remedy(@TempDir Path directory)
      throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "no directory");
    for (Path journal : List.of(file, file.resolve("journal"))) {
      assertThatThrownBy(() -> SegmentDirectory.open(journal))
          .as("%s", journal)
          .hasMessageMatching("(?i).*not a directory.*")
          .hasMessageContaining("writeback_dir=DIR");
    }
  }

  /**
   * The header of segment 1; then a frame with block 1_0_3 of inode 5 and its three bytes, by a
   * build whose journals had no writers.
   */
  private static final String GOLDEN_WITHOUT_WRITER =
      "4355525646534a4e00000001112233445566778899aabbccddeeff000000000000000001059a264c"
          + "4a4e4652000000000000000100000000000000280000001800000003f130f21e8eba6a56"
          + "0a1608051a06100318012803200130033a0208024202080e"
          + "010203";

  /** The same with a writer. */
  private static final String GOLDEN =
      "4355525646534a4e00000001112233445566778899aabbccddeeff000000000000000001059a264c"
          + "4a4e4652000000000000000100000000000000280000002100000003f130f21ede1ca1d0"
          + "0a1f08051a06100318012803200130033a0208024202080e490102030405060708"
          + "010203";

  @Test
  void what_was_written_before_journals_had_writers_can_be_read() throws IOException {
    LossySegments store = new LossySegments();
    store.put(1, HexFormat.of().parseHex(GOLDEN_WITHOUT_WRITER));
    try (Journal journal = open(store)) {
      StagedBlock block = journal.recovered().get(0);
      assertThat(block.writer()).isZero();
      assertThat(block.sequence()).isEqualTo(1);
      assertThat(block.inode()).isEqualTo(new InodeId(5));
      assertThat(content(journal, block.id())).containsExactly(1, 2, 3);
      put(journal, 5, new byte[10]).await();
      try (Journal next = open(store.copy())) {
        assertThat(next.recovered())
            .extracting(StagedBlock::writer, StagedBlock::sequence)
            .containsExactly(tuple(0L, 1L), tuple(WRITER, 2L));
      }
    }
  }

  @Test
  void each_opening_has_a_name_of_its_own_which_is_never_0() throws IOException {
    Iterator<Long> draws = List.of(0L, 7L, 8L).iterator();
    LossySegments store = new LossySegments();
    try (Journal journal = named(store, draws::next)) {
      assertThat(journal.writer()).isEqualTo(7);
      assertThat(journal.lastTaken()).isZero();
      assertThat(put(journal, 1, new byte[10]).sequence()).isEqualTo(journal.lastTaken());
      put(journal, 1, new byte[10]).await();
      try (Journal next = named(store.copy(), draws::next)) {
        assertThat(next.writer()).isEqualTo(8);
        assertThat(next.lastTaken()).isZero();
        assertThat(put(next, 1, new byte[10]).sequence()).isEqualTo(3);
        assertThat(next.recovered()).extracting(StagedBlock::writer).containsExactly(7L, 7L);
      }
    }
  }

  private Journal named(SegmentStore store, RandomGenerator random) throws IOException {
    return Journal.open(store, FILE_SYSTEM, BYTES_MAX, true, () -> at(7), now::get, random);
  }

  @Test
  void the_format_is_frozen() throws IOException {
    LossySegments store = new LossySegments();
    try (Journal journal = open(store)) {
      put(journal, 5, new byte[] {1, 2, 3}).await();
      assertThat(HexFormat.of().formatHex(store.bytes(1))).isEqualTo(GOLDEN);
    }
  }
}
