package io.curvefs.client.bench;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** A directory made for the time of a measurement. */
public final class Workplace implements AutoCloseable {
  private final Path directory;

  Workplace(Path parent) throws IOException {
    if (!Files.isDirectory(parent)) {
      throw new IOException(parent + " is not a directory: name one to measure");
    }
    directory = parent.resolve("curvefs-bench-" + ProcessHandle.current().pid());
    Files.createDirectory(directory);
  }

  Path directory() {
    return directory;
  }

  /** Removes it with everything in it. May be repeated. */
  @Override
  public synchronized void close() throws IOException {
    remove(directory);
  }

  /**
   * Removes a tree, of which others may remove parts meanwhile; what is not there is no failure.
   */
  public static void remove(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
