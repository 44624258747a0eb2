package io.curvefs.metaserver.store;

import java.io.Serial;
import java.nio.file.Path;

/** The disk under a store failed, or its files are damaged. The replica must stop, not go on. */
public final class StoreFailedException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  StoreFailedException(Path directory, Throwable cause) {
    super("the store in " + directory + " failed: " + cause.getMessage(), cause);
  }
}
