package io.curvefs.client.mount;

import java.io.IOException;
import java.nio.file.Path;

/** A mount is in the tree, but no process serves it any more. */
public final class DeadMountException extends IOException {
  private static final long serialVersionUID = 1;

  DeadMountException(Path root) {
    super("the process of the mount at " + root + " is dead: take it away with 'curvefs umount'");
  }
}
