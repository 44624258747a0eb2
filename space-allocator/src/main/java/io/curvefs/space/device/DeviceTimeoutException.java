package io.curvefs.space.device;

import java.io.IOException;

/** An operation did not end within its bound. Its buffer may be used by the device later still. */
public final class DeviceTimeoutException extends IOException {
  private static final long serialVersionUID = 1;

  /** Takes the device, what it did not do, and the remedy. */
  public DeviceTimeoutException(String message) {
    super(message);
  }
}
