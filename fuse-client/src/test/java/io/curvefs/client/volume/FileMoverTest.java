package io.curvefs.client.volume;

import static io.curvefs.client.volume.VolumeFixture.INODE;
import static io.curvefs.client.volume.VolumeFixture.filled;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.client.pace.Bandwidth;
import io.curvefs.client.volume.FileMover.Moved;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.space.device.fault.FaultyDevice.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One chunk that is moved: what it costs, and what failures and others may not do to it. */
@Timeout(60)
class FileMoverTest {
  private static final InodeId OTHER = new InodeId(8);

  private final VolumeFixture on = new VolumeFixture();
  private final VolumeFile other = new VolumeFile(on.store, OTHER);
  private Bandwidth.Pause pause = nanos -> {};
  private final Mover mover =
      new Mover(
          on.meta,
          on.devices,
          on.freshness,
          new Bandwidth(1, on.nanos::get, nanos -> pause.nanos(nanos)),
          on.nanos::get);

  FileMoverTest() {
    on.meta.create(OTHER);
  }

  @AfterEach
  void end() {
    other.close();
    on.close();
    mover.close();
  }

  /** Pieces of a file, with another file's blocks between them. */
  private byte[] fragment(int pieces, int bytes) throws IOException {
    byte[] content = new byte[pieces * bytes];
    for (int i = 0; i < pieces; i++) {
      Arrays.fill(content, i * bytes, (i + 1) * bytes, (byte) (i + 1));
      on.write((long) i * bytes, filled(bytes, i + 1));
      on.file.flush();
      other.write(i * 4096L, ByteBuffer.wrap(filled(4096, 99)));
      other.flush();
    }
    assertThat(on.meta.blocksOf(INODE)).hasSize(pieces);
    on.meta.takeRequests();
    on.device.forget();
    return content;
  }

  private Moved move() throws IOException, InterruptedException {
    return mover.file(INODE).move(0, copied -> {});
  }

  private void assertContent(byte[] expected) throws IOException {
    assertThat(on.read(on.open(), 0, expected.length + 10)).isEqualTo(expected);
  }

  private void assertNothingReserved() {
    on.pool.giveBackSpare(true);
    on.advance(Duration.ofMinutes(1));
    mover.giveBackRested();
    assertThat(on.meta.reservedBlocks()).isZero();
  }

  @Test
  void a_chunk_in_pieces_becomes_one_by_two_requests_and_one_flush() throws Exception {
    byte[] content = fragment(30, 40_960);
    FileMover file = mover.file(INODE);
    assertThat(file.move(0, copied -> {})).isEqualTo(Moved.DONE);

    assertThat(on.meta.takeRequests()).containsExactly("CHUNKS", "RESERVE", "COMMIT");
    assertThat(on.device.flushes()).isEqualTo(1);
    assertThat(on.device.writes()).hasSize(2); // 1.2 MB
    assertThat(on.meta.blocksOf(INODE)).hasSize(1);
    assertContent(content);
    on.meta.takeRequests();
    assertThat(file.move(0, copied -> {})).isEqualTo(Moved.WHOLE);
    assertThat(on.meta.takeRequests()).isEmpty();
    assertNothingReserved();
  }

  @Test
  void holes_stay_holes() throws Exception {
    fragment(3, 8192);
    on.write(50 * 4096, filled(4096, 7));
    on.file.flush();
    List<Run> before = on.meta.blocksOf(INODE);
    assertThat(move()).isEqualTo(Moved.DONE);

    List<Run> after = on.meta.blocksOf(INODE);
    assertThat(after).hasSize(2);
    assertThat(places(after)).isEqualTo(places(before));
    Pieces pieces = new Pieces();
    after.forEach(run -> pieces.add(run.address(), run.count()));
    assertThat(pieces.count()).isEqualTo(1);
  }

  private static List<Long> places(List<Run> runs) {
    return runs.stream()
        .flatMap(run -> IntStream.range(0, run.count()).mapToObj(i -> run.fileBlock() + i))
        .toList();
  }

  @Test
  void a_chunk_is_best_behind_the_one_before() throws Exception {
    long second = 64L << 20;
    for (long offset : new long[] {0, second - 4096, second, second + 8192}) {
      on.write(offset, filled(4096, 1));
      on.file.flush();
      other.write(offset, ByteBuffer.wrap(filled(4096, 99)));
      other.flush();
    }
    FileMover file = mover.file(INODE);
    assertThat(file.move(0, copied -> {})).isEqualTo(Moved.DONE);
    assertThat(on.meta.movedBehind).as("anywhere").isZero();
    assertThat(file.move(1, copied -> {})).isEqualTo(Moved.DONE);
    List<Run> runs = on.meta.blocksOf(INODE);
    assertThat(on.meta.movedBehind).isEqualTo(runs.get(0).address() + 1);
    assertThat(runs.get(1).address()).isEqualTo(on.meta.movedBehind);
  }

  @Test
  void what_lies_behind_the_end_is_not_copied() throws Exception {
    byte[] content = fragment(3, 8192);
    on.meta.truncate(INODE, 2 * 8192 + 100); // the rest of the block keeps its bytes
    assertThat(move()).isEqualTo(Moved.DONE);
    // Another mount that had zeroed the old block in place before the move was committed.
    on.meta.truncate(INODE, 2 * 8192 + 4000);

    byte[] expected = Arrays.copyOf(Arrays.copyOf(content, 2 * 8192 + 100), 2 * 8192 + 4000);
    assertContent(expected);
  }

  @Test
  void a_change_between_copy_and_commit_is_copied_again() throws Exception {
    byte[] content = fragment(3, 8192);
    AtomicInteger changes = new AtomicInteger(1);
    on.meta.beforeMoved = () -> change(changes);
    assertThat(move()).isEqualTo(Moved.DONE);

    Arrays.fill(content, 5000, 5100, (byte) 42);
    assertThat(on.meta.blocksOf(INODE)).hasSize(1);
    assertContent(content);
    assertNothingReserved();
  }

  /** What another mount does, so many times. */
  private void change(AtomicInteger changes) {
    if (changes.getAndDecrement() <= 0) {
      return;
    }
    try {
      VolumeFile theirs = on.open();
      theirs.write(5000, ByteBuffer.wrap(filled(100, 42)));
      theirs.flush();
      theirs.close();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_file_that_changes_all_the_time_is_left() throws Exception {
    byte[] content = fragment(3, 8192);
    AtomicInteger changes = new AtomicInteger(1000);
    on.meta.beforeMoved = () -> change(changes);
    assertThat(move()).isEqualTo(Moved.CHANGED);

    Arrays.fill(content, 5000, 5100, (byte) 42);
    assertThat(on.meta.blocksOf(INODE)).hasSize(3);
    assertContent(content);
    assertNothingReserved();
  }

  @Test
  void who_has_overwritten_blocks_that_were_moved_away_is_told() throws Exception {
    fragment(3, 8192);
    on.write(0, filled(4096, 9)); // in memory; knows the old blocks
    assertThat(move()).isEqualTo(Moved.DONE);
    assertThatThrownBy(on.file::flush)
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.EIO));
  }

  @Test
  void an_open_file_is_left_and_nothing_is_copied() throws Exception {
    fragment(3, 8192);
    on.meta.open = true;
    assertThat(move()).isEqualTo(Moved.OPEN);
    assertThat(on.device.writes()).isEmpty();
    assertThat(on.device.reads()).isEmpty();
    assertNothingReserved();
  }

  @Test
  void when_the_session_is_lost_in_mid_copy_nothing_more_is_written_and_nothing_committed()
      throws Exception {
    byte[] content = fragment(3, 1 << 20);
    List<Run> before = on.meta.blocksOf(INODE);
    pause = nanos -> on.meta.loseSession();
    assertThatThrownBy(this::move).hasMessageContaining("session");

    assertThat(on.device.writes()).hasSizeLessThanOrEqualTo(1);
    assertThat(on.meta.blocksOf(INODE)).isEqualTo(before);
    assertContent(content);
  }

  @Test
  void a_slow_copy_asks_again_whose_the_blocks_are() throws Exception {
    byte[] content = fragment(4, 1 << 20);
    pause = nanos -> on.advance(VolumeFixture.QUARANTINE.dividedBy(2));
    assertThat(move()).isEqualTo(Moved.DONE);
    assertThat(on.meta.takeRequests()).filteredOn("CHUNKS"::equals).hasSizeGreaterThan(2);
    assertContent(content);
  }

  @Test
  void a_device_that_fails_leaves_the_file_as_it_was() throws Exception {
    byte[] content = fragment(3, 8192);
    on.faults.failNth(Operation.WRITE, 1);
    assertThatThrownBy(this::move).isInstanceOf(IOException.class);
    on.faults.heal();
    assertThat(on.meta.blocksOf(INODE)).hasSize(3);
    assertContent(content);
    assertNothingReserved();
  }
}
