package io.curvefs.space.device;

import java.io.IOException;

/** Writes were acknowledged and may be gone: they must be written again. */
public final class LostWritesException extends IOException {
  private static final long serialVersionUID = 1;

  /** Takes the device's name. */
  public LostWritesException(String device) {
    super(
        device
            + ": writes that were not flushed yet may be lost (the connection to its server broke, or"
            + " a flush failed). Write them again.");
  }
}
