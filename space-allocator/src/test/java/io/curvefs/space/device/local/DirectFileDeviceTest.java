package io.curvefs.space.device.local;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.device.testing.SparseFile;
import java.io.IOException;

/** For file systems that several hosts share. */
class DirectFileDeviceTest extends FileDeviceTest {
  @Override
  protected BlockDevice open() throws IOException {
    SparseFile.withSize(image(), BYTES);
    return BlockDevices.open("file://" + image() + "?direct", DeviceOptions.DEFAULT);
  }
}
