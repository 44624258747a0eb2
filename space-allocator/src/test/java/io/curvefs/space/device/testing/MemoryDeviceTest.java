package io.curvefs.space.device.testing;

import io.curvefs.space.device.BlockDevice;

class MemoryDeviceTest extends BlockDeviceContract {
  @Override
  protected BlockDevice open() {
    return new MemoryDevice(BYTES);
  }

  @Override
  protected boolean lasts() {
    return false;
  }
}
