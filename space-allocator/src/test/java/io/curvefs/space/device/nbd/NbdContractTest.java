package io.curvefs.space.device.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.BlockDeviceContract;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.NbdServer;
import io.curvefs.space.device.testing.SparseFile;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The port over each server and kind of socket. */
class NbdContractTest {

  abstract static class OverServer extends BlockDeviceContract {
    @TempDir Path directory;

    private NbdServer server;

    abstract NbdServer start() throws IOException;

    @Override
    protected BlockDevice open() throws IOException {
      if (server == null) {
        server = start();
      }
      return BlockDevices.open(server.uri(), DeviceOptions.DEFAULT);
    }

    @AfterEach
    void stop() {
      device.close();
      server.close();
    }

    Path image() throws IOException {
      return SparseFile.withSize(directory.resolve("image"), BYTES);
    }
  }

  @Nested
  class NbdkitMemoryOnASocketTest extends OverServer {
    @Override
    NbdServer start() throws IOException {
      return NbdServer.nbdkitOnSocket(directory, "memory", "64M");
    }
  }

  @Nested
  class NbdkitFileOnAPortTest extends OverServer {
    @Override
    NbdServer start() throws IOException {
      return NbdServer.nbdkitOnPort(directory, "file", image().toString());
    }

    @Test
    void a_discard_gives_room_back() throws IOException {
      device.write(Blocks.random(8 << 20, 1), 0);
      device.flush();
      assertThat(SparseFile.allocated(directory.resolve("image"))).isGreaterThanOrEqualTo(8 << 20);
      assertThat(device.discard(0, 8 << 20)).isTrue();
      assertThat(SparseFile.allocated(directory.resolve("image"))).isLessThan(1 << 20);
    }
  }

  @Nested
  class NbdkitWithoutManyConnectionsTest extends OverServer {
    @Override
    NbdServer start() throws IOException {
      return NbdServer.nbdkitOnSocket(
          directory, "--filter=multi-conn", "memory", "64M", "multi-conn-mode=disable");
    }
  }

  @Nested
  class QemuTest extends OverServer {
    @Override
    NbdServer start() throws IOException {
      return NbdServer.qemuNbd(directory, image());
    }
  }
}
