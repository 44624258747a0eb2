package io.curvefs.objectstore.aws;

import java.io.IOException;

/**
 * The body of a GET is not what was written: too short, too long, or other bytes. Worth reading
 * again.
 */
final class DamagedBodyException extends IOException {

  private final boolean complete;

  /** The server sent all that it announced, and it is wrong. */
  DamagedBodyException(String message) {
    super(message);
    this.complete = true;
  }

  /** The connection ended before all that was announced had come. */
  DamagedBodyException(String message, IOException end) {
    super(message, end);
    this.complete = false;
  }

  /** Whether the store itself seems to hold wrong bytes, rather than a connection that broke. */
  boolean complete() {
    return complete;
  }
}
