package io.curvefs.client.volume;

import io.curvefs.space.device.BlockDevice;
import java.io.IOException;
import java.time.Duration;

/** Opens volumes of the file system. */
@FunctionalInterface
public interface VolumeOpener {
  /**
   * Opens a volume, and checks that it is the right one. The caller closes it.
   *
   * @param operationMax bound of every operation
   * @throws IOException naming the volume and the remedy
   */
  BlockDevice open(int number, Duration operationMax) throws IOException;
}
