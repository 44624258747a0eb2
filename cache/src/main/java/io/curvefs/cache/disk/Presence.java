package io.curvefs.cache.disk;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;

/**
 * Tells the processes that use a directory of each other: each has a file that it touches now and
 * then. All times are of the directory's own file system, so no clock is compared with another. A
 * wrong answer costs work or accuracy, never bytes. Thread-safe.
 */
final class Presence {
  /** Who has not touched its file for so long is gone. */
  static final Duration SILENCE_MAX = Duration.ofSeconds(20);

  /** When the file of one that is gone is deleted. */
  private static final Duration KEPT = Duration.ofHours(1);

  private final Path directory;
  private final Path own;

  /**
   * @param self unique among all processes
   */
  Presence(Path directory, String self) {
    this.directory = directory;
    this.own = directory.resolve(self);
  }

  /**
   * Who else is there.
   *
   * @param count other processes that have touched their files lately
   * @param nowMillis the time of the directory's file system
   */
  record Others(int count, long nowMillis) {}

  /** Says that this process is here, and looks for others that have said so lately. */
  Others announce() throws IOException {
    Files.write(own, new byte[1], CREATE, WRITE); // over itself: needs no space of a full disk
    long now = Files.getLastModifiedTime(own).toMillis();
    int others = 0;
    for (Path file : CacheDirectory.filesOf(directory)) {
      long silentMillis = file.equals(own) ? Long.MAX_VALUE : now - touchedMillis(file, now);
      if (silentMillis <= SILENCE_MAX.toMillis()) {
        others++;
      } else if (!file.equals(own) && silentMillis > KEPT.toMillis()) {
        Files.deleteIfExists(file);
      }
    }
    return new Others(others, now);
  }

  private static long touchedMillis(Path file, long otherwise) throws IOException {
    try {
      FileTime touched = Files.getLastModifiedTime(file);
      return touched.toMillis();
    } catch (NoSuchFileException e) { // it has just left
      return otherwise - SILENCE_MAX.toMillis() - 1;
    }
  }

  /** Takes the file of this process away. */
  void leave() throws IOException {
    Files.deleteIfExists(own);
  }
}
