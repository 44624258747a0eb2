package io.curvefs.client.volume;

import static io.curvefs.client.volume.VolumeFixture.INODE;
import static io.curvefs.client.volume.VolumeFixture.filled;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.client.content.ReadStream;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceTimeoutException;
import io.curvefs.space.device.fault.FaultyDevice.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One file on a volume: what each operation costs, and what failures may not do. */
@Timeout(60)
class VolumeFileTest {
  private final HeldBuffers held = new HeldBuffers();
  private final VolumeFixture on = new VolumeFixture(held::wrap);

  @AfterEach
  void end() {
    on.close();
  }

  private void flushFails() {
    assertThatThrownBy(on.file::flush).isInstanceOf(IOException.class);
  }

  // ---- cost ----

  @Test
  void a_small_file_is_one_write_one_flush_and_one_commit() throws IOException {
    on.write(0, filled(3_000, 1));
    on.file.flush();
    assertThat(on.device.writes()).hasSize(1);
    assertThat(on.device.writes().get(0).length()).isEqualTo(4096);
    assertThat(on.device.reads()).isEmpty();
    assertThat(on.device.flushes()).isEqualTo(1);
    // and space, which the next small files find reserved
    assertThat(on.meta.takeRequests()).containsExactly("RESERVE", "COMMIT");
    on.write(3_000, filled(10, 2));
    on.file.flush();
    assertThat(on.meta.takeRequests()).containsExactly("COMMIT");
  }

  @Test
  void a_stream_of_64_MiB_is_64_writes_and_a_few_requests_for_space() throws IOException {
    byte[] piece = filled(128 << 10, 3);
    for (int i = 0; i < 512; i++) {
      on.write((long) i * piece.length, piece);
    }
    on.file.flush();
    assertThat(on.device.writes()).hasSize(64).allMatch(range -> range.length() == 1 << 20);
    assertThat(on.device.reads()).isEmpty();
    assertThat(on.device.flushes()).isEqualTo(1);
    List<String> requests = on.meta.takeRequests();
    assertThat(Collections.frequency(requests, "COMMIT")).isEqualTo(1);
    assertThat(Collections.frequency(requests, "RESERVE")).isLessThanOrEqualTo(10);
    assertThat(on.meta.blocksOf(INODE)).hasSize(1);
  }

  @Test
  void whole_blocks_are_overwritten_without_a_read_and_without_metadata() throws IOException {
    on.write(0, filled(1 << 20, 1));
    on.file.flush();
    on.device.forget();
    on.meta.takeRequests();
    on.write(40_960, filled(4096, 2));
    on.file.flush();
    assertThat(on.device.reads()).isEmpty();
    assertThat(on.device.writes()).hasSize(1);
    assertThat(on.device.writes().get(0).length()).isEqualTo(4096);
    assertThat(on.device.flushes()).isEqualTo(1);
    assertThat(on.meta.takeRequests()).containsExactly("COMMIT");
  }

  @Test
  void a_part_of_a_block_costs_a_read_of_that_block() throws IOException {
    on.write(0, filled(1 << 20, 1));
    on.file.flush();
    on.device.forget();
    on.write(5_000, filled(10, 2));
    on.file.flush();
    assertThat(on.device.reads()).hasSize(1);
    assertThat(on.device.reads().get(0).length()).isEqualTo(4096);
  }

  @Test
  void an_unaligned_read_is_one_transfer() throws IOException {
    on.write(0, filled(1 << 20, 1));
    on.file.flush();
    on.device.forget();
    on.read(on.file, 5_000, 100_000);
    assertThat(on.device.reads()).hasSize(1);
  }

  @Test
  void where_blocks_come_from_is_asked_once_and_a_refusal_reaches_the_writer() throws IOException {
    List<InodeId> asked = new ArrayList<>();
    VolumeFile file =
        on.open(
            inode -> {
              asked.add(inode);
              if (asked.size() == 1) {
                throw new RefusedException(Refusal.BUSY);
              }
              return on.pool;
            });
    assertThatThrownBy(() -> file.write(0, ByteBuffer.allocate(10)))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isEqualTo(Refusal.BUSY));
    file.write(0, ByteBuffer.wrap(filled(10_000, 1)));
    file.write(20_000, ByteBuffer.wrap(filled(10_000, 2)));
    file.flush();
    assertThat(asked).hasSize(2);
    file.close();
  }

  // ---- reading ahead ----

  @Test
  void a_sequential_reader_finds_its_bytes_fetched_in_long_transfers() throws IOException {
    byte[] content = new byte[16 << 20];
    new Random(1).nextBytes(content);
    on.write(0, content);
    on.file.flush();
    on.device.forget();
    ReadStream stream = new ReadStream(8 << 20);
    for (int at = 0; at < content.length; at += 128 << 10) {
      assertThat(on.read(on.file, stream, at, 128 << 10))
          .isEqualTo(java.util.Arrays.copyOfRange(content, at, at + (128 << 10)));
    }
    assertThat(on.device.reads().size()).isLessThan(32);
    long bytes = on.device.reads().stream().mapToLong(range -> range.length()).sum();
    assertThat(bytes).isLessThan(content.length + (2 << 20));
  }

  @Test
  void what_was_fetched_ahead_is_not_shown_once_it_was_overwritten() throws Exception {
    on.write(0, filled(8 << 20, 1));
    on.file.flush();
    ReadStream stream = new ReadStream(8 << 20);
    for (int at = 0; at < 1 << 20; at += 128 << 10) {
      on.read(on.file, stream, at, 128 << 10);
    }
    on.write(2 << 20, filled(4096, 9));
    assertThat(on.read(on.file, stream, 2 << 20, 4096)).isEqualTo(filled(4096, 9));
    on.file.flush();
    assertThat(on.read(on.file, stream, 2 << 20, 4096)).isEqualTo(filled(4096, 9));
  }

  @Test
  void what_was_fetched_ahead_is_not_shown_once_another_mount_has_changed_the_file()
      throws IOException {
    on.write(0, filled(8 << 20, 1));
    on.file.flush();
    ReadStream stream = new ReadStream(8 << 20);
    for (int at = 0; at < 1 << 20; at += 128 << 10) {
      on.read(on.file, stream, at, 128 << 10);
    }
    on.meta.truncate(INODE, 0);
    on.meta.truncate(INODE, 8 << 20);
    assertThat(on.read(on.file, stream, 2 << 20, 4096)).isEqualTo(filled(4096, 0));
  }

  // ---- the ends of files ----

  private byte[] afterTheirTruncateTo100(long writeAt) throws IOException {
    on.write(0, filled(8_000, 5));
    on.file.flush();
    on.meta.truncate(INODE, 100); // another mount; nothing here knows
    on.write(writeAt, filled(10, 6));
    on.file.flush();
    return on.read(on.open(), 0, 20_000);
  }

  @Test
  void what_another_mount_cut_off_stays_cut_off_when_the_file_grows_here() throws IOException {
    byte[] expected = new byte[9_010];
    java.util.Arrays.fill(expected, 0, 100, (byte) 5);
    java.util.Arrays.fill(expected, 9_000, 9_010, (byte) 6);
    assertThat(afterTheirTruncateTo100(9_000)).isEqualTo(expected);
  }

  @Test
  void who_overwrites_blocks_that_another_mount_has_freed_is_told() {
    assertThatThrownBy(() -> afterTheirTruncateTo100(7_000))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.EIO));
  }

  @Test
  void a_write_that_failed_has_not_cleaned_the_tail() throws IOException {
    on.write(0, filled(4_000, 5));
    on.file.flush();
    on.meta.truncate(INODE, 100);
    VolumeFile later = on.open();
    on.faults.failNth(Operation.WRITE, 1);
    later.write(200, ByteBuffer.wrap(filled(10, 6)));
    assertThatThrownBy(later::flush).isInstanceOf(IOException.class);
    later.write(5_000, ByteBuffer.wrap(filled(10, 7)));
    later.flush();
    byte[] expected = new byte[5_010];
    java.util.Arrays.fill(expected, 0, 100, (byte) 5);
    java.util.Arrays.fill(expected, 5_000, 5_010, (byte) 7);
    assertThat(on.read(on.open(), 0, 6_000)).isEqualTo(expected);
  }

  // ---- lost sessions ----

  @Test
  void reserved_blocks_of_a_lost_session_are_not_written_again() throws Exception {
    on.write(0, filled(8 << 20, 1)); // is sent without a flush
    while (on.file.uncommitted().isEmpty()) {
      Thread.onSpinWait();
    }
    on.meta.loseSession();
    on.device.forget();
    on.write(0, filled(4096, 2));
    flushFails();
    assertThat(on.device.writes()).isEmpty();
  }

  @Test
  void reserved_blocks_of_a_lost_session_are_not_read() throws Exception {
    on.write(0, filled(8 << 20, 1));
    while (on.file.uncommitted().isEmpty()) {
      Thread.onSpinWait();
    }
    on.meta.loseSession();
    assertThatThrownBy(() -> on.read(on.file, 0, 4096)).isInstanceOf(RefusedException.class);
  }

  // ---- failing devices ----

  @Test
  void a_failed_write_gives_all_its_space_back() throws IOException {
    on.write(0, filled(100_000, 1));
    on.faults.failAll(Operation.WRITE);
    flushFails();
    on.faults.heal();
    assertThat(on.file.failures()).isEqualTo(1);
    on.advance(Duration.ofMinutes(1));
    on.pool.giveBackAbandoned();
    on.pool.giveBackSpare(true);
    assertThat(on.pool.blocks()).isZero();
    assertThat(on.meta.reservedBlocks()).isZero();
  }

  @Test
  void a_file_that_is_closed_while_it_is_sent_leaves_no_space_behind() throws Exception {
    on.faults.hold(Operation.WRITE);
    on.write(0, filled(8 << 20, 1));
    while (on.faults.held(Operation.WRITE) == 0) {
      Thread.onSpinWait();
    }
    on.file.close();
    on.faults.heal();
    while (on.file.isDirty()) {
      Thread.onSpinWait();
    }
    on.advance(Duration.ofMinutes(1));
    on.pool.giveBackAbandoned();
    on.pool.giveBackSpare(true);
    assertThat(on.meta.reservedBlocks()).isZero();
  }

  /** Keeps the buffers of operations that it gives up, as a device that hangs does. */
  private static final class HeldBuffers {
    volatile boolean hangs;
    final List<Long> given = Collections.synchronizedList(new ArrayList<>());
    final List<Long> used = Collections.synchronizedList(new ArrayList<>());

    BlockDevice wrap(BlockDevice device) {
      return (BlockDevice)
          java.lang.reflect.Proxy.newProxyInstance(
              BlockDevice.class.getClassLoader(),
              new Class<?>[] {BlockDevice.class},
              (proxy, method, args) -> {
                if (method.getName().equals("read") || method.getName().equals("write")) {
                  long address =
                      io.curvefs.space.device.posix.NativeMemory.address((ByteBuffer) args[0]);
                  if (hangs) {
                    given.add(address);
                    throw new DeviceTimeoutException("hangs");
                  }
                  used.add(address);
                }
                try {
                  return method.invoke(device, args);
                } catch (java.lang.reflect.InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  @Test
  void memory_that_a_hanging_device_may_still_use_is_used_for_nothing_else() throws IOException {
    on.write(0, filled(4096, 1));
    on.file.flush();
    held.hangs = true;
    assertThatThrownBy(() -> on.read(on.file, 0, 4096)).isInstanceOf(DeviceTimeoutException.class);
    on.write(0, filled(4096, 2));
    flushFails();
    held.hangs = false;
    held.used.clear();
    for (int i = 0; i < 100; i++) {
      on.write(0, filled(4096, i));
      on.file.flush();
      on.read(on.file, 0, 4096);
    }
    assertThat(held.used).doesNotContainAnyElementsOf(held.given).hasSizeGreaterThan(100);
  }

  @Test
  void an_answer_that_got_too_old_is_not_written_by() throws IOException {
    on.write(0, filled(8192, 1));
    on.file.flush();
    on.device.forget();
    on.meta.takeRequests();
    on.advance(VolumeFixture.QUARANTINE.multipliedBy(6).dividedBy(10));
    on.write(0, filled(4096, 2));
    on.file.flush();
    assertThat(on.meta.takeRequests()).contains("CHUNKS");
  }

  // ---- holes ----

  @Test
  void a_hole_frees_whole_blocks_and_zeroes_the_parts_at_its_edges() throws IOException {
    on.write(0, filled(40_000, 1));
    on.file.flush();
    on.write(5_000, filled(10, 2)); // before the hole, in order
    on.file.punchHole(4_000, 20_000);
    byte[] expected = filled(40_000, 1);
    java.util.Arrays.fill(expected, 4_000, 24_000, (byte) 0);
    assertThat(on.read(on.file, 0, 50_000)).isEqualTo(expected);
    assertThat(on.read(on.open(), 0, 50_000)).isEqualTo(expected);
    assertThat(on.meta.blocksOf(INODE).stream().mapToInt(Run::count).sum()).isEqualTo(10 - 4);
  }

  @Test
  void a_hole_to_the_end_of_the_file_frees_its_last_block() throws IOException {
    on.write(0, filled(10_000, 1));
    on.file.flush();
    on.file.punchHole(4_096, 1 << 30);
    assertThat(on.read(on.open(), 0, 50_000))
        .isEqualTo(java.util.Arrays.copyOf(filled(4_096, 1), 10_000));
    assertThat(on.meta.blocksOf(INODE)).containsExactly(new Run(0, 1, FakeVolumeMeta.VOLUME | 1));
  }

  @Test
  void a_hole_in_a_hole_writes_nothing() throws IOException {
    on.write(1 << 20, filled(10, 1));
    on.file.flush();
    on.device.forget();
    on.file.punchHole(100, 1000);
    assertThat(on.device.entries()).isEmpty();
  }
}
