package io.curvefs.space.device.remote;

import java.io.IOException;

/** A server answered, and what it offers cannot be used: trying again would not help. */
public final class ExportRefusedException extends IOException {
  private static final long serialVersionUID = 1;

  /** Takes the device, what is wrong, and the remedy. */
  public ExportRefusedException(String message) {
    super(message);
  }
}
