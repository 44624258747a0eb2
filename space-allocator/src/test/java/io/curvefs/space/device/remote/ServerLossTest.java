package io.curvefs.space.device.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.DeviceTimeoutException;
import io.curvefs.space.device.LostWritesException;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.NbdServer;
import io.curvefs.space.device.testing.ServerProcess;
import io.curvefs.space.device.testing.SparseFile;
import io.curvefs.space.device.testing.TgtServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that die, come back, fall silent, grow. */
class ServerLossTest {
  private static final long BYTES = 64 << 20;
  private static final int BLOCK = BlockDevice.BLOCK_BYTES;

  abstract static class OverServer {
    @TempDir Path directory;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private BlockDevice device;

    /** Starts a server over the image, which is the same after a restart. */
    abstract String start(Path image) throws IOException;

    abstract ServerProcess process();

    abstract void restart() throws IOException;

    abstract void grow(Path image) throws IOException;

    abstract void stop();

    private BlockDevice open(Duration timeout) throws IOException {
      Path image = SparseFile.withSize(directory.resolve("image"), BYTES);
      device = BlockDevices.open(start(image), DeviceOptions.DEFAULT.withTimeout(timeout));
      return device;
    }

    @AfterEach
    void end() {
      threads.shutdownNow();
      if (device != null) {
        device.close();
      }
      stop();
    }

    @Test
    void a_killed_server_that_comes_back_is_found_again() throws Exception {
      open(Duration.ofSeconds(20));
      ByteBuffer content = Blocks.random(64 * BLOCK, 1);
      device.write(content, 0);
      device.flush();
      restart();
      assertThat(Blocks.read(device, 0, 64 * BLOCK)).isEqualTo(content);
      device.write(content, 1 << 20);
      device.flush();
      assertThat(device.epoch()).isZero();
    }

    @Test
    void an_operation_waits_for_a_server_that_is_away() throws Exception {
      open(Duration.ofSeconds(20));
      process().kill();
      Future<?> read = threads.submit(() -> Blocks.read(device, 0, BLOCK));
      Future<?> write =
          threads.submit(
              () -> {
                device.write(Blocks.random(BLOCK, 2), BLOCK);
                return null;
              });
      assertThat(read.isDone() || write.isDone()).isFalse();
      restart();
      read.get(20, TimeUnit.SECONDS);
      write.get(20, TimeUnit.SECONDS);
      assertThat(Blocks.read(device, BLOCK, BLOCK)).isEqualTo(Blocks.random(BLOCK, 2));
    }

    @Test
    void writes_that_were_not_flushed_when_the_server_died_are_reported_once() throws Exception {
      open(Duration.ofSeconds(20));
      long epoch = device.epoch();
      device.write(Blocks.random(BLOCK, 3), 0);
      restart();
      assertThatThrownBy(device::flush).hasRootCauseInstanceOf(LostWritesException.class);
      assertThatThrownBy(() -> device.flushSince(epoch)).isInstanceOf(LostWritesException.class);
      device.write(Blocks.random(BLOCK, 3), 0);
      device.flushSince(device.epoch());
    }

    @Test
    void writers_at_work_while_the_server_dies_lose_nothing_that_they_flushed() throws Exception {
      open(Duration.ofSeconds(20));
      AtomicBoolean stop = new AtomicBoolean();
      AtomicLong written = new AtomicLong();
      List<Future<?>> writers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        long own = i;
        writers.add(
            threads.submit(
                () -> {
                  for (long round = 0; !stop.get(); round++) {
                    long epoch = device.epoch();
                    ByteBuffer content = Blocks.random(16 * BLOCK, own << 32 | round);
                    device.write(content, own * 16 * BLOCK);
                    try {
                      device.flushSince(epoch);
                    } catch (IOException e) {
                      continue; // again, as the contract says
                    }
                    assertThat(Blocks.read(device, own * 16 * BLOCK, 16 * BLOCK))
                        .isEqualTo(content);
                    written.incrementAndGet();
                  }
                  return null;
                }));
      }
      for (int i = 1; i <= 3; i++) {
        long enough = written.get() + 20;
        while (written.get() < enough && writers.stream().noneMatch(Future::isDone)) {
          Thread.onSpinWait();
        }
        restart();
      }
      stop.set(true);
      for (Future<?> writer : writers) {
        writer.get(20, TimeUnit.SECONDS);
      }
    }

    @Test
    void a_server_that_stays_away_fails_each_operation_within_the_bound() throws Exception {
      open(Duration.ofSeconds(1));
      process().kill();
      long begin = System.nanoTime();
      assertThatThrownBy(() -> Blocks.read(device, 0, BLOCK))
          .isInstanceOf(DeviceTimeoutException.class)
          .hasMessageContainingAll(device.name(), "Look whether");
      assertThatThrownBy(device::flush).isInstanceOf(IOException.class);
      assertThat(System.nanoTime() - begin).isLessThan(5_000_000_000L);
      assertThat(device.epoch()).as("a flush failed").isOne();
    }

    @Test
    void a_server_that_falls_silent_fails_operations_within_the_bound_and_can_come_back()
        throws Exception {
      open(Duration.ofSeconds(1));
      ByteBuffer content = Blocks.random(BLOCK, 4);
      device.write(content, 0);
      device.flush();
      process().suspend();
      long begin = System.nanoTime();
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        readers.add(threads.submit(() -> Blocks.read(device, 0, BLOCK)));
      }
      for (Future<?> reader : readers) {
        assertThatThrownBy(() -> reader.get(20, TimeUnit.SECONDS))
            .hasCauseInstanceOf(DeviceTimeoutException.class);
      }
      assertThat(System.nanoTime() - begin).isLessThan(5_000_000_000L);
      process().resume();
      assertThat(Blocks.read(device, 0, BLOCK)).isEqualTo(content);
    }

    @Test
    void it_sees_that_the_device_has_grown() throws Exception {
      open(Duration.ofSeconds(20));
      device.write(Blocks.random(BLOCK, 5), 0);
      device.flush();
      grow(SparseFile.withSize(directory.resolve("image"), 2 * BYTES));
      assertThat(device.refreshSize()).isEqualTo(2 * BYTES);
      device.write(Blocks.random(BLOCK, 6), 2 * BYTES - BLOCK);
      assertThat(Blocks.read(device, 2 * BYTES - BLOCK, BLOCK)).isEqualTo(Blocks.random(BLOCK, 6));
      assertThat(Blocks.read(device, 0, BLOCK)).isEqualTo(Blocks.random(BLOCK, 5));
    }
  }

  @Nested
  class NbdTest extends OverServer {
    private NbdServer server;

    @Override
    String start(Path image) throws IOException {
      server = NbdServer.nbdkitOnPort(directory, "file", image.toString());
      return server.uri();
    }

    @Override
    ServerProcess process() {
      return server.process();
    }

    @Override
    void restart() throws IOException {
      server.process().kill();
      server.process().start();
    }

    @Override
    void stop() {
      server.close();
    }

    /** nbdkit looks at the file for each connection. */
    @Override
    void grow(Path image) {}
  }

  @Nested
  class IscsiTest extends OverServer {
    private TgtServer target;

    @Override
    String start(Path image) throws IOException {
      target = new TgtServer(directory, image);
      return target.uri();
    }

    @Override
    ServerProcess process() {
      return target.process();
    }

    @Override
    void restart() throws IOException {
      target.restart();
    }

    @Override
    void stop() {
      target.close();
    }

    @Override
    void grow(Path image) throws IOException {
      restart();
    }
  }
}
