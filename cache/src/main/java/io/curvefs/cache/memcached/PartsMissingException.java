package io.curvefs.cache.memcached;

import java.io.IOException;

/** A server does not have all the parts asked for: a miss. Made often, so without a stack trace. */
final class PartsMissingException extends IOException {
  private static final long serialVersionUID = 1;

  PartsMissingException(String message) {
    super(message);
  }

  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
