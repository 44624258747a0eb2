package io.curvefs.space.device.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.BlockDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a {@link BlockDevice} promises. */
public abstract class BlockDeviceContract {
  /** Bytes of the devices under test. */
  protected static final long BYTES = 64 << 20;

  private static final int BLOCK = BlockDevice.BLOCK_BYTES;
  private static final int MIB = 1 << 20;

  protected BlockDevice device;

  /** A device of {@link #BYTES} whose blocks are zero, or what a test before has left. */
  protected abstract BlockDevice open() throws Exception;

  /** Whether a device opened again has what was flushed. */
  protected boolean lasts() {
    return true;
  }

  @BeforeEach
  void openDevice() throws Exception {
    device = open();
  }

  @AfterEach
  void closeDevice() {
    assertThat(device.epoch()).as("no writes were lost").isZero();
    device.close();
    device.close();
  }

  @Test
  void it_knows_its_size() throws IOException {
    assertThat(device.size()).isEqualTo(BYTES);
    assertThat(device.refreshSize()).isEqualTo(BYTES);
    assertThat(device.name()).isNotEmpty();
  }

  @Test
  void what_was_written_is_read_at_the_beginning_in_the_middle_and_at_the_end() throws IOException {
    for (long offset : new long[] {0, BYTES / 2 + BLOCK, BYTES - 2 * BLOCK}) {
      ByteBuffer content = Blocks.random(2 * BLOCK, offset);
      device.write(content, offset);
      assertThat(Blocks.read(device, offset, 2 * BLOCK)).isEqualTo(content);
    }
  }

  @Test
  void a_long_range_is_written_and_read_whole() throws IOException {
    ByteBuffer content = Blocks.random(9 * MIB + BLOCK, 1);
    device.write(content, 3 * BLOCK);
    assertThat(Blocks.read(device, 3 * BLOCK, 9 * MIB + BLOCK)).isEqualTo(content);
  }

  @Test
  void a_write_changes_no_other_block() throws IOException {
    ByteBuffer around = Blocks.random(3 * BLOCK, 2);
    device.write(around, 8 * BLOCK);
    device.write(Blocks.random(BLOCK, 3), 9 * BLOCK);
    assertThat(Blocks.read(device, 8 * BLOCK, BLOCK)).isEqualTo(around.slice(0, BLOCK));
    assertThat(Blocks.read(device, 10 * BLOCK, BLOCK)).isEqualTo(around.slice(2 * BLOCK, BLOCK));
  }

  @Test
  void only_the_bytes_between_position_and_limit_count_and_neither_moves() throws IOException {
    ByteBuffer content = Blocks.random(3 * BLOCK, 4).position(100).limit(100 + BLOCK);
    device.write(content, 0);
    assertThat(content.position()).isEqualTo(100);
    assertThat(content.limit()).isEqualTo(100 + BLOCK);
    ByteBuffer read = ByteBuffer.allocateDirect(3 * BLOCK).position(77).limit(77 + BLOCK);
    device.read(read, 0);
    assertThat(read).isEqualTo(content);
    assertThat(read.position()).isEqualTo(77);
    assertThat(read.get(76)).isZero();
    assertThat(read.get(77 + BLOCK < read.limit() ? 77 + BLOCK : 0)).isZero();
  }

  @Test
  void a_read_only_buffer_can_be_written() throws IOException {
    ByteBuffer content = Blocks.random(BLOCK, 5);
    device.write(content.asReadOnlyBuffer(), 0);
    assertThat(Blocks.read(device, 0, BLOCK)).isEqualTo(content);
  }

  @Test
  void what_is_not_whole_blocks_is_refused() {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
    assertThatThrownBy(() -> device.read(block, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.write(block, 512)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.write(block, -BLOCK))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.read(block.slice(0, 512), 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.read(block.slice(0, 0), 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.read(ByteBuffer.allocate(BLOCK), 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.discard(0, 100)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_range_beyond_the_end_fails_and_names_the_device() {
    ByteBuffer blocks = ByteBuffer.allocateDirect(2 * BLOCK);
    assertThatThrownBy(() -> device.read(blocks, BYTES - BLOCK))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(device.name());
    assertThatThrownBy(() -> device.write(blocks, BYTES - BLOCK)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> device.discard(BYTES, BLOCK)).isInstanceOf(IOException.class);
  }

  @Test
  void what_was_flushed_is_there_when_it_is_opened_again() throws Exception {
    ByteBuffer content = Blocks.random(5 * BLOCK, 6);
    long epoch = device.epoch();
    device.write(content, MIB);
    device.flushSince(epoch);
    if (lasts()) {
      device.close();
      device = open();
      assertThat(Blocks.read(device, MIB, 5 * BLOCK)).isEqualTo(content);
    }
  }

  @Test
  void a_discard_touches_nothing_else() throws IOException {
    ByteBuffer content = Blocks.random(3 * MIB, 7);
    device.write(content, MIB);
    boolean supported = device.discard(2 * MIB, MIB);
    assertThat(Blocks.read(device, MIB, MIB)).isEqualTo(content.slice(0, MIB));
    assertThat(Blocks.read(device, 3 * MIB, MIB)).isEqualTo(content.slice(2 * MIB, MIB));
    ByteBuffer again = Blocks.random(MIB, 8);
    device.write(again, 2 * MIB);
    assertThat(Blocks.read(device, 2 * MIB, MIB)).isEqualTo(again);
    assertThat(device.discard(0, BYTES)).isEqualTo(supported);
  }

  @Test
  void an_interrupt_ends_nothing_and_stays() throws IOException {
    ByteBuffer content = Blocks.random(BLOCK, 9);
    Thread.currentThread().interrupt();
    device.write(content, 0);
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    device.flush();
    ByteBuffer read = Blocks.read(device, 0, BLOCK);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(read).isEqualTo(content);
  }

  @Test
  void many_threads_read_write_flush_and_discard_their_own_ranges() throws Exception {
    long seed = System.nanoTime();
    int threads = 16;
    long share = BYTES / threads;
    CountDownLatch begin = new CountDownLatch(threads);
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> done = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        long first = i * share;
        long own = seed + i;
        done.add(
            executor.submit(
                () -> {
                  begin.countDown();
                  begin.await();
                  mix(first, share, new Random(own));
                  return null;
                }));
      }
      for (Future<?> one : done) {
        one.get(60, TimeUnit.SECONDS);
      }
    } catch (Exception e) {
      throw new AssertionError("seed " + seed, e);
    } finally {
      executor.shutdownNow();
    }
  }

  /** Compares one range with a model of it. */
  private void mix(long first, long bytes, Random random) throws IOException {
    int blocks = (int) Math.min(64, bytes / BLOCK);
    Long[] model = new Long[blocks]; // seed of the content, or null when unknown
    for (int step = 0; step < 60; step++) {
      int at = random.nextInt(blocks);
      int count = 1 + random.nextInt(Math.min(16, blocks - at));
      long offset = first + (long) at * BLOCK;
      switch (random.nextInt(8)) {
        case 0 -> device.flush();
        case 1 -> {
          device.discard(offset, (long) count * BLOCK);
          for (int i = at; i < at + count; i++) {
            model[i] = null;
          }
        }
        case 2, 3, 4 -> {
          ByteBuffer content = ByteBuffer.allocateDirect(count * BLOCK);
          for (int i = at; i < at + count; i++) {
            model[i] = random.nextLong();
            content.put(Blocks.random(BLOCK, model[i]));
          }
          device.write(content.flip(), offset);
        }
        default -> {
          ByteBuffer read = Blocks.read(device, offset, count * BLOCK);
          for (int i = 0; i < count; i++) {
            if (model[at + i] != null) {
              assertThat(read.slice(i * BLOCK, BLOCK))
                  .as("block %d of the range at %d", at + i, first)
                  .isEqualTo(Blocks.random(BLOCK, model[at + i]));
            }
          }
        }
      }
    }
  }

  @Test
  void a_closed_device_refuses_everything() {
    device.close();
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
    assertThatThrownBy(() -> device.read(block, 0)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> device.write(block, 0)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> device.refreshSize()).isInstanceOf(IOException.class);
  }
}
