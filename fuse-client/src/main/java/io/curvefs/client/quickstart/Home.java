package io.curvefs.client.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The checkout whose commands are run.
 *
 * @param directory that holds {@code bin}
 */
public record Home(Path directory) {
  /** The one that this process was started from. */
  public static Home ofThisProcess() throws IOException {
    String home = System.getProperty("curvefs.home");
    if (home == null || !Files.isExecutable(Path.of(home, "bin", "curvefs"))) {
      throw new IOException("run this as bin/curvefs of a checkout: it starts commands from there");
    }
    return new Home(Path.of(home));
  }

  /** The command. */
  public String curvefs() {
    return directory.resolve("bin/curvefs").toString();
  }

  /** The command that mounts in the background. */
  public String mountCurvefs() {
    return directory.resolve("bin/mount.curvefs").toString();
  }
}
