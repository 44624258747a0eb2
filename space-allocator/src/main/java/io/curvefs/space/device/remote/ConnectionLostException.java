package io.curvefs.space.device.remote;

import java.io.IOException;

/** A connection broke. Whether its commands were carried out is unknown. */
public final class ConnectionLostException extends IOException {
  private static final long serialVersionUID = 1;

  /** Takes how it broke. */
  public ConnectionLostException(String message) {
    super(message);
  }
}
