package io.curvefs.client.quickstart;

import io.curvefs.client.bench.Workplace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * A directory for all files of an installation that does not last: new, or somebody else's empty
 * one.
 */
public final class OwnDirectory {
  private final Path path;
  private final boolean made;

  /**
   * Takes a directory, which is made if it is not there.
   *
   * @throws IOException if it cannot be used or is not empty; nothing is left then
   */
  public OwnDirectory(Path path) throws IOException {
    this.path = path;
    made = !Files.exists(path);
    Files.createDirectories(path);
    try (Stream<Path> files = Files.list(path)) {
      if (files.findAny().isPresent()) {
        throw new IOException(path + " is not empty: name another directory with --data");
      }
    }
  }

  /** Removes all that is in it, and itself if it was made. May be repeated. */
  public void remove() throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    if (made) {
      Workplace.remove(path);
      return;
    }
    try (Stream<Path> entries = Files.list(path)) {
      for (Path entry : entries.toList()) {
        Workplace.remove(entry);
      }
    }
  }
}
