package io.curvefs.space.device.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.BlockDeviceContract;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.LoopDevice;
import io.curvefs.space.device.testing.SparseFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoopDeviceTest extends BlockDeviceContract {
  @TempDir Path directory;

  private LoopDevice loop;

  private Path image() {
    return directory.resolve("image");
  }

  @Override
  protected BlockDevice open() throws IOException {
    if (loop == null) {
      loop = LoopDevice.over(SparseFile.withSize(image(), BYTES));
    }
    return BlockDevices.open(loop.uri(), DeviceOptions.DEFAULT);
  }

  @AfterEach
  void detach() {
    device.close();
    if (loop != null) {
      loop.close();
    }
  }

  @Test
  void a_discard_gives_room_back() throws IOException {
    device.write(Blocks.random(8 << 20, 1), 0);
    device.flush();
    assertThat(SparseFile.allocated(image())).isGreaterThanOrEqualTo(8 << 20);
    assertThat(device.discard(0, 8 << 20)).isTrue();
    assertThat(SparseFile.allocated(image())).isLessThan(1 << 20);
  }

  @Test
  void it_sees_that_the_device_has_grown() throws IOException {
    SparseFile.withSize(image(), 2 * BYTES);
    loop.refresh();
    assertThat(device.refreshSize()).isEqualTo(2 * BYTES);
    device.write(Blocks.random(4096, 1), 2 * BYTES - 4096);
  }

  /** As another host would, which does not share our page cache: it changes what is beneath. */
  @Test
  void it_reads_what_is_on_the_device_and_not_what_was_there_once() throws IOException {
    device.write(Blocks.random(4096, 1), 0);
    Blocks.read(device, 0, 4096);
    ByteBuffer other = Blocks.random(4096, 2);
    try (FileChannel beneath = FileChannel.open(image(), StandardOpenOption.WRITE)) {
      beneath.write(other.duplicate(), 0);
      beneath.force(true);
    }
    assertThat(Blocks.read(device, 0, 4096)).isEqualTo(other);
  }
}
