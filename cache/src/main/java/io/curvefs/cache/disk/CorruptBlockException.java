package io.curvefs.cache.disk;

import java.io.IOException;

/** A file of the cache is not the block that its name says. */
final class CorruptBlockException extends IOException {
  CorruptBlockException(String message) {
    super(message);
  }
}
