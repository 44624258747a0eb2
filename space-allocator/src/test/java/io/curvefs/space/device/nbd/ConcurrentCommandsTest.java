package io.curvefs.space.device.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.NbdServer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConcurrentCommandsTest {
  @TempDir Path directory;

  @Test
  void reads_of_many_threads_are_under_way_together_on_one_connection() throws Exception {
    int threads = 16;
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try (NbdServer server =
            NbdServer.nbdkitOnSocket(directory, "--filter=delay", "memory", "64M", "rdelay=200ms");
        BlockDevice device =
            BlockDevices.open(server.uri(), DeviceOptions.DEFAULT.withConnectionsMax(1))) {
      long begin = System.nanoTime();
      List<Future<?>> reads = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        long offset = i * 4096L;
        reads.add(executor.submit(() -> Blocks.read(device, offset, 4096)));
      }
      for (Future<?> read : reads) {
        read.get();
      }
      // One after the other they would take 3.2 s.
      assertThat(System.nanoTime() - begin).isLessThan(1_600_000_000L);
    } finally {
      executor.shutdownNow();
    }
  }
}
