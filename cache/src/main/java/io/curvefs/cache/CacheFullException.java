package io.curvefs.cache;

import java.io.IOException;

/** A tier has no room for a block that may be made by giving up others. The message says why. */
public final class CacheFullException extends IOException {
  private static final long serialVersionUID = 1;

  public CacheFullException(String message) {
    super(message);
  }
}
