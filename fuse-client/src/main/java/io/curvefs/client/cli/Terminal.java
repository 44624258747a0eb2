package io.curvefs.client.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Who reads what a command prints. */
final class Terminal {
  private static final Path OUTPUT = Path.of("/proc/self/fd/1");

  private Terminal() {}

  /**
   * Whether standard output is a terminal. {@link System#console} would also ask for standard input
   * to be one, or, in newer Javas, for neither.
   */
  static boolean isOutput() {
    try {
      String device = Files.readSymbolicLink(OUTPUT).toString();
      return device.startsWith("/dev/pts/")
          || device.startsWith("/dev/tty")
          || device.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }
}
