package io.curvefs.space.device.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import io.curvefs.space.device.LostWritesException;
import io.curvefs.space.device.fault.FaultyDevice.Operation;
import io.curvefs.space.device.fault.RecordingDevice.Entry;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.MemoryDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FaultyDeviceTest {
  private static final int BLOCK = BlockDevice.BLOCK_BYTES;

  private final FaultyDevice device = new FaultyDevice(new MemoryDevice(1 << 20));

  @Test
  void the_nth_operation_fails_without_effect() throws IOException {
    ByteBuffer content = Blocks.random(BLOCK, 1);
    device.failNth(Operation.WRITE, 2);
    device.write(content, 0);
    assertThatThrownBy(() -> device.write(content, BLOCK)).hasMessageContaining("injected");
    device.write(content, 2 * BLOCK);
    assertThat(Blocks.read(device, BLOCK, BLOCK)).isEqualTo(ByteBuffer.allocate(BLOCK));
    assertThat(device.fired(Operation.WRITE)).isOne();
  }

  @Test
  void all_operations_fail_until_healed() throws IOException {
    device.failAll(Operation.READ);
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> Blocks.read(device, 0, BLOCK)).isInstanceOf(IOException.class);
    }
    device.heal();
    Blocks.read(device, 0, BLOCK);
    assertThat(device.fired(Operation.READ)).isEqualTo(3);
  }

  @Test
  void a_torn_write_leaves_its_first_bytes() throws IOException {
    ByteBuffer content = Blocks.random(2 * BLOCK, 2);
    device.tearNthWrite(1, BLOCK + 512);
    assertThatThrownBy(() -> device.write(content, 0)).hasMessageContaining("injected");
    ByteBuffer read = Blocks.read(device, 0, 2 * BLOCK);
    assertThat(read.slice(0, BLOCK + 512)).isEqualTo(content.slice(0, BLOCK + 512));
    assertThat(read.slice(BLOCK + 512, BLOCK - 512)).isEqualTo(ByteBuffer.allocate(BLOCK - 512));
  }

  @Test
  void a_failed_flush_puts_writes_in_doubt() throws IOException {
    long epoch = device.epoch();
    device.failNth(Operation.FLUSH, 1);
    device.write(Blocks.random(BLOCK, 3), 0);
    assertThatThrownBy(device::flush).hasMessageContaining("injected");
    assertThatThrownBy(() -> device.flushSince(epoch)).isInstanceOf(LostWritesException.class);
    device.flushSince(device.epoch());
  }

  @Test
  void a_held_operation_waits_until_it_is_released() throws Exception {
    device.hold(Operation.FLUSH);
    CompletableFuture<Void> flush =
        CompletableFuture.runAsync(
            () -> {
              try {
                device.flush();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    while (device.held(Operation.FLUSH) == 0) {
      Thread.onSpinWait();
    }
    assertThat(flush).isNotDone();
    device.release(Operation.FLUSH);
    flush.get(20, TimeUnit.SECONDS);
  }

  @Test
  void the_recording_device_notes_everything_in_order() throws IOException {
    RecordingDevice recording = new RecordingDevice(device);
    recording.write(Blocks.random(2 * BLOCK, 4), BLOCK);
    recording.flush();
    Blocks.read(recording, 0, BLOCK);
    recording.discard(0, 4 * BLOCK);
    assertThat(recording.entries())
        .containsExactly(
            new Entry.Written(new BlockRange(BLOCK, 2 * BLOCK)),
            new Entry.Flushed(),
            new Entry.Read(new BlockRange(0, BLOCK)),
            new Entry.Discarded(new BlockRange(0, 4 * BLOCK)));
    assertThat(recording.writes()).containsExactly(new BlockRange(BLOCK, 2 * BLOCK));
    assertThat(recording.reads()).hasSize(1);
    assertThat(recording.discards()).hasSize(1);
    assertThat(recording.flushes()).isOne();
    recording.forget();
    assertThat(recording.entries()).isEmpty();
  }
}
