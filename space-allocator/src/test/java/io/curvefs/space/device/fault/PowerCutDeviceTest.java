package io.curvefs.space.device.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.fault.PowerCutDevice.Unflushed;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.MemoryDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PowerCutDeviceTest {
  private static final int BLOCK = BlockDevice.BLOCK_BYTES;

  private final PowerCutDevice device = new PowerCutDevice(new MemoryDevice(1 << 20), 7);

  @Test
  void a_cut_loses_what_was_written_since_the_last_flush_and_nothing_else() throws IOException {
    ByteBuffer old = Blocks.random(2 * BLOCK, 1);
    device.write(old, 0);
    device.flush();
    device.write(Blocks.random(BLOCK, 2), BLOCK);
    assertThat(Blocks.read(device, BLOCK, BLOCK)).isEqualTo(Blocks.random(BLOCK, 2));
    assertThat(device.unflushedBlocks()).isOne();
    long epoch = device.epoch();
    device.cut(Unflushed.LOST);
    assertThatThrownBy(() -> Blocks.read(device, 0, BLOCK)).hasMessageContaining("no power");
    assertThatThrownBy(device::flush).hasMessageContaining("no power");
    device.restore();
    assertThat(Blocks.read(device, 0, 2 * BLOCK)).isEqualTo(old);
    assertThat(device.epoch()).isGreaterThan(epoch);
  }

  @Test
  void a_cut_comes_after_so_many_operations() throws IOException {
    device.cutAfter(2, Unflushed.LOST);
    device.write(Blocks.random(BLOCK, 1), 0);
    device.flush();
    assertThatThrownBy(() -> device.write(Blocks.random(BLOCK, 2), 0))
        .hasMessageContaining("no power");
    assertThat(device.powered()).isFalse();
    device.restore();
    assertThat(Blocks.read(device, 0, BLOCK)).isEqualTo(Blocks.random(BLOCK, 1));
  }

  @Test
  void a_cut_may_keep_lose_or_tear_each_block() throws IOException {
    ByteBuffer content = Blocks.random(64 * BLOCK, 3);
    device.write(content, 0);
    device.cut(Unflushed.ANY);
    device.restore();
    Set<Integer> kept = new HashSet<>();
    for (int i = 0; i < 64; i++) {
      ByteBuffer read = Blocks.read(device, (long) i * BLOCK, BLOCK);
      int same = read.mismatch(content.slice(i * BLOCK, BLOCK));
      kept.add(same < 0 ? BLOCK : same / 512);
    }
    assertThat(kept).contains(0, BLOCK).hasSizeGreaterThan(3);
  }
}
