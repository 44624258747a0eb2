package io.curvefs.space.device.fault;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.testing.BlockDeviceContract;
import io.curvefs.space.device.testing.MemoryDevice;

/** Decorators that were told nothing are devices like others. */
class DecoratorsKeepTheContractTest extends BlockDeviceContract {
  @Override
  protected BlockDevice open() {
    BlockDevice plain = new MemoryDevice(BYTES);
    return new RecordingDevice(new FaultyDevice(new PowerCutDevice(plain, 1)));
  }

  @Override
  protected boolean lasts() {
    return false;
  }
}
