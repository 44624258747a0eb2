package io.curvefs.space.device.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.BlockDeviceContract;
import io.curvefs.space.device.testing.Blocks;
import io.curvefs.space.device.testing.SparseFile;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileDeviceTest extends BlockDeviceContract {
  @TempDir Path directory;

  final Path image() {
    return directory.resolve("image");
  }

  @Override
  protected BlockDevice open() throws IOException {
    SparseFile.withSize(image(), BYTES);
    return BlockDevices.open("file://" + image(), DeviceOptions.DEFAULT);
  }

  @Test
  void a_discard_gives_room_back() throws IOException {
    device.write(Blocks.random(8 << 20, 1), 0);
    device.flush();
    assertThat(SparseFile.allocated(image())).isGreaterThanOrEqualTo(8 << 20);
    assertThat(device.discard(0, 8 << 20)).isTrue();
    assertThat(SparseFile.allocated(image())).isLessThan(1 << 20);
    assertThat(image()).hasSize(BYTES);
  }

  @Test
  void it_sees_that_the_file_has_grown() throws IOException {
    SparseFile.withSize(image(), 2 * BYTES + 100);
    assertThat(device.size()).isEqualTo(BYTES);
    assertThat(device.refreshSize()).isEqualTo(2 * BYTES);
    device.write(Blocks.random(4096, 1), 2 * BYTES - 4096);
  }

  @Test
  void a_file_that_was_cut_short_fails_instead_of_returning_zeros() throws IOException {
    SparseFile.withSize(image(), BYTES / 2);
    assertThatThrownBy(() -> Blocks.read(device, BYTES / 2, 4096))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("shorter");
  }
}
