package io.curvefs.client.trial;

import java.io.IOException;

/** A system call that failed, and with what. */
final class FailedCallException extends IOException {
  private static final long serialVersionUID = 1;

  static final int NO_ENTRY = 2;
  static final int NO_SPACE = 28;
  static final int NOT_SUPPORTED = 95;

  private final int errno;

  FailedCallException(String call, int errno) {
    super(call + " failed with errno " + errno);
    this.errno = errno;
  }

  int errno() {
    return errno;
  }
}
