package io.curvefs.space.device.remote;

import java.io.IOException;

/** The server did not carry a command out, and asks to be asked again. */
public final class ServerBusyException extends IOException {
  private static final long serialVersionUID = 1;

  /** Takes the server's words. */
  public ServerBusyException(String message) {
    super(message);
  }
}
