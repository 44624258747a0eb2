package io.curvefs.metaserver.reclaim;

import com.google.protobuf.ByteString;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.ReleaseQuarantine;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Ends the quarantine of blocks that have rested long enough. How long is measured here, by the
 * monotonic clock: with each round it is noted which entries have been applied by then. So no wall
 * clock matters, neither a client's nor another server's; a new leader begins anew, and blocks then
 * rest longer. One thread.
 */
final class RestedBlocks {
  /** On top of what the file system says: requests and writes to a device that are under way. */
  private static final Duration MARGIN = Duration.ofSeconds(5);

  private static final int ROWS_PER_STEP = 4000;

  /** Between two notes. */
  private static final Duration NOTE_EVERY = Duration.ofSeconds(1);

  /** With so many notes, every second one goes. */
  private static final int NOTES_MAX = 4096;

  private final LongSupplier nanoTime;
  private final Map<GroupId, Watch> watches = new HashMap<>();

  /** By a moment, entries up to an index had been applied. */
  private record Note(long nanos, long index) {}

  private static final class Watch {
    final Leadership leadership;
    Deque<Note> notes = new ArrayDeque<>();

    Watch(Leadership leadership) {
      this.leadership = leadership;
    }
  }

  /**
   * @param nanoTime the monotonic clock, {@link System#nanoTime} outside of tests
   */
  RestedBlocks(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Looks how far the group is. To be called in each round. */
  void note(DataGroup group, Leadership leadership) {
    Watch watch = watches.get(group.id());
    if (watch == null || watch.leadership != leadership) {
      watch = new Watch(leadership);
      watches.put(group.id(), watch);
    }
    Note last = watch.notes.peekLast();
    byte[] stored = group.rows().get(Keys.appliedIndex());
    long index = stored == null ? 0 : ByteBuffer.wrap(stored).getLong();
    // Behind the rows: what they hold had been applied by then.
    long now = nanoTime.getAsLong();
    if (last != null && (last.index == index || now - last.nanos < NOTE_EVERY.toNanos())) {
      return;
    }
    if (watch.notes.size() == NOTES_MAX) {
      Deque<Note> fewer = new ArrayDeque<>();
      boolean keep = false;
      for (Note note : watch.notes) {
        if (keep) {
          fewer.add(note);
        }
        keep = !keep;
      }
      watch.notes = fewer;
    }
    watch.notes.add(new Note(now, index));
  }

  /**
   * Releases some blocks of one file system in one group. Mounts that are there may discard them
   * first.
   *
   * @return whether there may be more
   */
  boolean release(DataGroup group, Leadership leadership, FileSystem fileSystem)
      throws RefusedException {
    Watch watch = watches.get(group.id());
    if (watch == null || watch.leadership != leadership) {
      return false;
    }
    Duration quarantine = Duration.ofSeconds(fileSystem.getVolumeStorage().getQuarantineSeconds());
    long rest = quarantine.plus(MARGIN).toNanos();
    long now = nanoTime.getAsLong();
    long rested = 0;
    for (Note note : watch.notes) {
      if (now - note.nanos >= rest) {
        rested = note.index;
      }
    }
    ReleaseQuarantine.Builder release =
        ReleaseQuarantine.newBuilder().setFileSystem(fileSystem.getId());
    List<Row> some = group.rows().scan(Keys.quarantine(fileSystem.getId()), null, ROWS_PER_STEP);
    for (Row row : some) {
      ByteString key = ByteString.copyFrom(row.key());
      if (Keys.quarantineNumberOf(row.key()) <= rested
          && leadership
              .discards()
              .mayRelease(fileSystem.getId(), key, SpaceRows.blocksOf(row), quarantine)) {
        release.addKeys(key);
      }
    }
    if (release.getKeysCount() > 0) {
      Proposals.propose(group, leadership, LogEntry.newBuilder().setReleaseQuarantine(release));
    }
    return release.getKeysCount() == ROWS_PER_STEP;
  }
}
