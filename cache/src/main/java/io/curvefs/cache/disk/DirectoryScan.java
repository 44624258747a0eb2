package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * One walk over the directory at start: finds the blocks of earlier runs, and deletes what a crash
 * left half-written. Order of writing stands in for order of use, which is not recorded.
 */
final class DirectoryScan {
  /** Younger temporary files may belong to another process that is writing them. */
  static final Duration TEMPORARY_AGE_MAX = Duration.ofHours(1);

  private record Found(BlockId id, long modifiedMillis) {}

  private DirectoryScan() {}

  /**
   * The blocks found, oldest first. Ends early, with what it has, when the thread is interrupted.
   */
  static List<BlockId> oldestFirst(CacheDirectory directory, Instant now) throws IOException {
    Instant abandonedBefore = now.minus(TEMPORARY_AGE_MAX);
    List<Found> found = new ArrayList<>();
    for (Path shard : directory.shards()) {
      if (Thread.currentThread().isInterrupted()) {
        break;
      }
      for (Path file : CacheDirectory.filesOf(shard)) {
        visit(file, abandonedBefore, found);
      }
    }
    found.sort(Comparator.comparingLong(Found::modifiedMillis));
    return found.stream().map(Found::id).toList();
  }

  private static void visit(Path file, Instant abandonedBefore, List<Found> found)
      throws IOException {
    String name = file.getFileName().toString();
    BlockId id = CacheDirectory.blockNamed(name);
    if (id == null && !name.endsWith(CacheDirectory.TEMPORARY_SUFFIX)) {
      return; // not ours
    }
    try {
      BasicFileAttributes is =
          Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (id == null) {
        if (is.lastModifiedTime().toInstant().isBefore(abandonedBefore)) {
          Files.deleteIfExists(file);
        }
      } else if (is.size() == BlockFormat.fileBytes(id)) {
        found.add(new Found(id, is.lastModifiedTime().toMillis()));
      } else {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException e) {
      // Another process evicted it meanwhile.
    }
  }
}
