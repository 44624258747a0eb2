package io.curvefs.cache.disk;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Looks through the directory for files that came and went without this process. The first look
 * reads the attributes of every file and deletes what a crash left half-written; later ones only
 * list sub-directories that have changed, and read the attributes of files that are new. No content
 * is read. Thread-safe.
 */
final class DirectoryScan {
  /** Younger temporary files may belong to another process that is writing them. */
  static final Duration TEMPORARY_AGE_MAX = Duration.ofHours(1);

  static final int SHARDS = 256;

  /** A sub-directory that changed so lately may change again without a change of its time. */
  private static final long SETTLED_MILLIS = 1_000;

  private final CacheDirectory directory;
  private final DiskIndex index;
  private final HangWatch hangs;
  private final InstantSource clock;

  /** When the sub-directories were last changed, as far as is known. */
  @GuardedBy("this")
  private final Map<Integer, FileTime> changed = new HashMap<>();

  @GuardedBy("this")
  private boolean complete;

  DirectoryScan(CacheDirectory directory, DiskIndex index, HangWatch hangs, InstantSource clock) {
    this.directory = directory;
    this.index = index;
    this.hangs = hangs;
    this.clock = clock;
  }

  /**
   * Brings the index up to date.
   *
   * @param nowMillis the time of the directory's file system
   * @throws IOException if the directory cannot be listed; the next look then begins anew
   */
  synchronized void look(long nowMillis) throws IOException {
    List<DiskIndex.Found> found = new ArrayList<>();
    Set<Integer> lookedAt = new HashSet<>();
    Map<Integer, FileTime> settled = new HashMap<>();
    Instant abandonedBefore = clock.instant().minus(TEMPORARY_AGE_MAX);
    index.beginLook();
    for (int shard = 0; shard < SHARDS; shard++) {
      Path path = directory.pathOf(shard);
      FileTime changedNow = hangs.call(() -> changedAt(path));
      if (changedNow.equals(changed.get(shard))) {
        continue;
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("no longer wanted");
      }
      lookedAt.add(shard);
      for (Path file : hangs.call(() -> CacheDirectory.filesOf(path))) {
        visit(file, abandonedBefore, found);
      }
      if (changedNow.toMillis() < nowMillis - SETTLED_MILLIS) {
        settled.put(shard, changedNow);
      }
    }
    if (complete) {
      index.forgetUnseen(lookedAt);
      index.addWrittenByOthers(found);
    } else {
      found.sort(Comparator.comparingLong(DiskIndex.Found::modifiedMillis).reversed());
      index.addLeftBehind(found);
    }
    changed.putAll(settled);
    complete = true;
  }

  private static FileTime changedAt(Path directory) throws IOException {
    try {
      return Files.getLastModifiedTime(directory, NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return FileTime.fromMillis(Long.MIN_VALUE);
    }
  }

  private void visit(Path file, Instant abandonedBefore, List<DiskIndex.Found> found)
      throws IOException {
    String name = file.getFileName().toString();
    BlockId id = CacheDirectory.blockNamed(name);
    boolean isOurs = id != null || name.endsWith(CacheDirectory.TEMPORARY_SUFFIX);
    if (!isOurs || (id != null && index.isSeen(id))) {
      return;
    }
    try {
      PosixFileAttributes is =
          hangs.call(() -> Files.readAttributes(file, PosixFileAttributes.class, NOFOLLOW_LINKS));
      if (id == null) {
        if (is.lastModifiedTime().toInstant().isBefore(abandonedBefore)) {
          hangs.call(() -> Files.deleteIfExists(file));
        }
      } else if (is.size() == BlockFormat.fileBytes(id)) {
        found.add(
            new DiskIndex.Found(id, CacheDirectory.isPinned(is), is.lastModifiedTime().toMillis()));
      } else {
        hangs.call(() -> Files.deleteIfExists(file));
      }
    } catch (NoSuchFileException e) {
      // Another process evicted it meanwhile.
    }
  }
}
