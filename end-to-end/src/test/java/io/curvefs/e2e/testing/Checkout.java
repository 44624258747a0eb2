package io.curvefs.e2e.testing;

import java.nio.file.Files;
import java.nio.file.Path;

/** The checkout under test and the commands in it. */
public final class Checkout {
  public static final Path HOME = find();
  public static final Path CURVEFS = HOME.resolve("bin/curvefs");
  public static final Path MOUNT = HOME.resolve("bin/mount.curvefs");

  private Checkout() {}

  private static Path find() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isExecutable(at.resolve("bin/curvefs"))) {
      at = at.getParent();
      if (at == null) {
        throw new AssertionError("run from within the checkout");
      }
    }
    return at;
  }
}
