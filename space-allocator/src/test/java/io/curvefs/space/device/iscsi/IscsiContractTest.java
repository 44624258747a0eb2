package io.curvefs.space.device.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.BlockDeviceContract;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.SparseFile;
import io.curvefs.space.device.testing.TgtServer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IscsiContractTest extends BlockDeviceContract {
  @TempDir static Path directory;

  private static TgtServer target;

  @BeforeAll
  static void start() throws IOException {
    target = new TgtServer(directory, SparseFile.withSize(directory.resolve("image"), BYTES));
  }

  @AfterAll
  static void stop() {
    target.close();
  }

  @Override
  protected BlockDevice open() throws IOException {
    return BlockDevices.open(target.uri(), DeviceOptions.DEFAULT);
  }

  @Test
  void a_discard_gives_room_back() throws IOException {
    Path image = directory.resolve("image");
    device.write(Blocks.random(8 << 20, 1), 0);
    device.flush();
    long before = SparseFile.allocated(image);
    assertThat(before).isGreaterThanOrEqualTo(8 << 20);
    assertThat(device.discard(0, 8 << 20)).isTrue();
    assertThat(SparseFile.allocated(image)).isLessThanOrEqualTo(before - (8 << 20));
  }
}
