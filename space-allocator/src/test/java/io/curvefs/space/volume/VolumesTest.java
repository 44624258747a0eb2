package io.curvefs.space.volume;

import static io.curvefs.space.volume.HeaderFormatTest.HEADER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import io.curvefs.space.device.fault.FaultyDevice;
import io.curvefs.space.device.fault.PowerCutDevice;
import io.curvefs.space.device.fault.PowerCutDevice.Unflushed;
import io.curvefs.space.device.fault.RecordingDevice;
import io.curvefs.space.device.fault.RecordingDevice.Entry;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.MemoryDevice;
import io.curvefs.space.volume.VolumeRefusedException.Reason;
import io.curvefs.space.volume.Volumes.Overwrite;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class VolumesTest {
  private static final int BLOCK = BlockDevice.BLOCK_BYTES;
  private static final ExpectedVolume EXPECTED =
      new ExpectedVolume(HEADER.fileSystem(), HEADER.number());
  private static final UUID OTHER = UUID.fromString("ffffffff-0000-0000-0000-000000000001");

  private final MemoryDevice memory = new MemoryDevice(HEADER.deviceBytes());
  private final RecordingDevice device = new RecordingDevice(memory);

  private void format() throws IOException {
    Volumes.format(device, HEADER, Overwrite.REFUSED);
    device.forget();
  }

  private static void refused(Reason reason, ThrowingCallable call, String... words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            VolumeRefusedException.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason))
        .hasMessageContainingAll(words);
  }

  private void damage(long offset) throws IOException {
    ByteBuffer block = Blocks.read(memory, offset, BLOCK);
    memory.write(block.put(100, (byte) (block.get(100) ^ 1)), offset);
  }

  @Test
  void a_formatted_device_is_recognised() throws IOException {
    assertThat(Volumes.look(device)).isEmpty();
    assertThat(Volumes.format(device, HEADER, Overwrite.REFUSED)).isEqualTo(HEADER);
    assertThat(Volumes.check(device, EXPECTED)).isEqualTo(HEADER);
    assertThat(Volumes.look(device)).contains(HEADER);
  }

  @Test
  void a_wiped_device_looks_unused() throws IOException {
    format();
    Volumes.wipe(device);
    assertThat(device.entries()).endsWith(new Entry.Flushed());
    assertThat(Volumes.look(device)).isEmpty();
    refused(Reason.NOT_FORMATTED, () -> Volumes.check(device, EXPECTED), "no volume");
    Volumes.wipe(device);
    Volumes.format(device, HEADER, Overwrite.REFUSED);
  }

  @Test
  void the_second_copy_is_durable_before_the_first_is_written() throws IOException {
    Volumes.format(device, HEADER, Overwrite.REFUSED);
    assertThat(device.entries())
        .endsWith(
            new Entry.Written(new BlockRange(512 << 10, BLOCK)),
            new Entry.Flushed(),
            new Entry.Written(new BlockRange(0, BLOCK)),
            new Entry.Flushed());
    assertThat(device.writes()).hasSize(2);
  }

  @Test
  void a_check_of_a_whole_volume_writes_nothing() throws IOException {
    format();
    Volumes.check(device, EXPECTED);
    assertThat(device.writes()).isEmpty();
  }

  @Test
  void a_volume_is_formatted_again_by_force_only() throws IOException {
    format();
    refused(
        Reason.ALREADY_FORMATTED,
        () -> Volumes.format(device, HEADER, Overwrite.REFUSED),
        HEADER.fileSystem().toString(),
        "volume 3",
        "--force");
    VolumeHeader again = Volumes.format(device, HEADER.ofGeneration(1), Overwrite.FORCED);
    assertThat(again.generation()).isEqualTo(6);
    assertThat(Volumes.check(device, EXPECTED)).isEqualTo(again);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 4096, 512 << 10, (1 << 20) - 4096})
  void a_device_with_something_else_is_formatted_by_force_only(long offset) throws IOException {
    memory.write(Blocks.random(BLOCK, 1), offset);
    refused(
        Reason.LOOKS_USED,
        () -> Volumes.format(device, HEADER, Overwrite.REFUSED),
        "looks used",
        "--force");
    Volumes.format(device, HEADER, Overwrite.FORCED);
    assertThat(Volumes.check(device, EXPECTED)).isEqualTo(HEADER);
  }

  @Test
  void what_lies_behind_the_first_mebibyte_is_nobodys_business() throws IOException {
    memory.write(Blocks.random(BLOCK, 1), 1 << 20);
    Volumes.format(device, HEADER, Overwrite.REFUSED);
  }

  @Test
  void a_device_must_have_the_size_that_its_header_says() {
    refused(
        Reason.TOO_SMALL,
        () -> Volumes.format(new MemoryDevice(1 << 20), HEADER, Overwrite.REFUSED),
        "too small");
  }

  @Test
  void another_device_is_refused() throws IOException {
    refused(
        Reason.NOT_FORMATTED, () -> Volumes.check(device, EXPECTED), "no volume", "right device");
    format();
    refused(
        Reason.OTHER_FILE_SYSTEM,
        () -> Volumes.check(device, new ExpectedVolume(OTHER, HEADER.number())),
        OTHER.toString(),
        HEADER.fileSystem().toString());
    refused(
        Reason.OTHER_VOLUME,
        () -> Volumes.check(device, new ExpectedVolume(HEADER.fileSystem(), 4)),
        "volume 3",
        "not 4");
  }

  @Test
  void a_shrunk_device_is_refused() throws IOException {
    format();
    memory.resize(HEADER.deviceBytes() - BLOCK);
    device.refreshSize();
    refused(Reason.SHRUNK, () -> Volumes.check(device, EXPECTED), "shrunk", "old size");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 512 << 10})
  void a_damaged_copy_is_repaired_from_the_other(long offset) throws IOException {
    format();
    damage(offset);
    assertThat(Volumes.check(device, EXPECTED)).isEqualTo(HEADER);
    assertThat(device.writes()).containsExactly(new BlockRange(offset, BLOCK));
    damage(offset == 0 ? 512 << 10 : 0);
    assertThat(Volumes.check(device, EXPECTED)).isEqualTo(HEADER);
  }

  @Test
  void two_damaged_copies_are_refused() throws IOException {
    format();
    damage(0);
    damage(512 << 10);
    refused(Reason.DAMAGED, () -> Volumes.check(device, EXPECTED), "both damaged");
    refused(Reason.LOOKS_USED, () -> Volumes.format(device, HEADER, Overwrite.REFUSED), "--force");
  }

  @Test
  void a_newer_format_is_refused_and_not_repaired() throws IOException {
    format();
    ByteBuffer newer = HeaderFormat.encode(HEADER).putInt(8, 2);
    CRC32C checksum = new CRC32C();
    checksum.update(newer.duplicate().position(0).limit(4092));
    memory.write(newer.putInt(4092, (int) checksum.getValue()), 512 << 10);
    refused(Reason.NEWER_FORMAT, () -> Volumes.check(device, EXPECTED), "format 2");
    assertThat(device.writes()).isEmpty();
  }

  @Test
  void a_grown_device_is_taken_over() throws IOException {
    format();
    assertThat(Volumes.grow(device, EXPECTED)).isEqualTo(HEADER);
    memory.resize(2 * HEADER.deviceBytes());
    VolumeHeader grown = Volumes.grow(device, EXPECTED);
    assertThat(grown).isEqualTo(HEADER.grown(2 * HEADER.deviceBytes()));
    assertThat(Volumes.check(device, EXPECTED)).isEqualTo(grown);
    assertThat(Volumes.grow(device, EXPECTED)).isEqualTo(grown);
  }

  /** Formatting and growing are two writes and two flushes each. */
  @ParameterizedTest
  @EnumSource(Unflushed.class)
  void a_power_cut_at_any_moment_leaves_the_old_header_or_the_new_one(Unflushed fate)
      throws IOException {
    for (long seed = 0; seed < 20; seed++) {
      for (int moment = 0; moment <= 4; moment++) {
        cutWhileFormatting(fate, moment, seed);
        cutWhileGrowing(fate, moment, seed);
      }
    }
  }

  private static void cutWhileFormatting(Unflushed fate, int moment, long seed) throws IOException {
    PowerCutDevice cut = new PowerCutDevice(new MemoryDevice(HEADER.deviceBytes()), seed);
    cut.cutAfter(moment, fate);
    boolean formatted = true;
    try {
      Volumes.format(cut, HEADER, Overwrite.REFUSED);
    } catch (IOException e) {
      formatted = false;
    }
    cut.restore();
    if (moment >= 2) {
      assertThat(Volumes.check(cut, EXPECTED)).as("moment %d", moment).isEqualTo(HEADER);
    }
    assertThat(formatted).isEqualTo(moment == 4);
    cut.cutAfter(Integer.MAX_VALUE, fate);
    VolumeHeader again = Volumes.format(cut, HEADER, Overwrite.FORCED);
    assertThat(Volumes.check(cut, EXPECTED)).isEqualTo(again);
  }

  private static void cutWhileGrowing(Unflushed fate, int moment, long seed) throws IOException {
    MemoryDevice beneath = new MemoryDevice(HEADER.deviceBytes());
    PowerCutDevice cut = new PowerCutDevice(beneath, seed);
    Volumes.format(cut, HEADER, Overwrite.REFUSED);
    beneath.resize(2 * HEADER.deviceBytes());
    VolumeHeader grown = HEADER.grown(2 * HEADER.deviceBytes());
    cut.cutAfter(moment, fate);
    try {
      assertThat(Volumes.grow(cut, EXPECTED)).isEqualTo(grown);
    } catch (IOException e) {
      assertThat(moment).isLessThan(4);
    }
    cut.restore();
    VolumeHeader found = Volumes.check(cut, EXPECTED);
    assertThat(found).as("moment %d", moment).isIn(HEADER, grown);
    if (moment >= 2) {
      assertThat(found).isEqualTo(grown);
    }
    assertThat(Volumes.grow(cut, EXPECTED)).isEqualTo(grown);
  }

  @Test
  void a_flush_that_fails_fails_the_format() {
    FaultyDevice faulty = new FaultyDevice(memory);
    faulty.failNth(FaultyDevice.Operation.FLUSH, 1);
    assertThatThrownBy(() -> Volumes.format(faulty, HEADER, Overwrite.REFUSED))
        .hasMessageContaining("injected");
  }
}
