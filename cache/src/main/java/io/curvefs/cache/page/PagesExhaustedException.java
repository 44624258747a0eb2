package io.curvefs.cache.page;

import java.io.IOException;

/** The memory budget is used up, and nothing was given back within the time that the caller had. */
public final class PagesExhaustedException extends IOException {
  PagesExhaustedException(String message) {
    super(message);
  }
}
