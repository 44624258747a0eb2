package io.curvefs.client.staging;

import io.curvefs.cache.BlockId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.JournalBlock;
import io.curvefs.proto.JournalRecord;
import io.curvefs.proto.JournalTimes;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier mount has left in its journal, read from the oldest segment to the newest; what
 * was never acknowledged is cut. One thread.
 */
final class JournalRecovery {
  private static final Logger log = LoggerFactory.getLogger(JournalRecovery.class);

  private final SegmentStore store;
  private final UUID fileSystem;
  private final JournalState state = new JournalState();
  private final NavigableMap<Long, SegmentStore.Segment> segments = new TreeMap<>();
  private final Map<Long, Long> sizes = new TreeMap<>();
  private long nextSequence = 1;
  private long lastNumber;

  private JournalRecovery(SegmentStore store, UUID fileSystem) {
    this.store = store;
    this.fileSystem = fileSystem;
  }

  /**
   * @throws IOException one line for the user: the journal is damaged, or not of this file system;
   *     no segment is left open
   */
  static JournalRecovery read(SegmentStore store, UUID fileSystem) throws IOException {
    JournalRecovery recovery = new JournalRecovery(store, fileSystem);
    boolean whole = false;
    try {
      recovery.recover();
      whole = true;
      return recovery;
    } finally {
      if (!whole) {
        recovery.closeSegments();
      }
    }
  }

  /** Becomes the caller's, as the open segments do. */
  JournalState state() {
    return state;
  }

  /** By number; open. */
  NavigableMap<Long, SegmentStore.Segment> segments() {
    return segments;
  }

  /** Bytes of each segment, by number. */
  Map<Long, Long> sizes() {
    return sizes;
  }

  /** Greater than all there are. */
  long nextSequence() {
    return nextSequence;
  }

  /** Of the newest segment; 0: there is none. */
  long lastNumber() {
    return lastNumber;
  }

  private void recover() throws IOException {
    List<Long> numbers = store.list();
    for (int i = 0; i < numbers.size(); i++) {
      long number = numbers.get(i);
      boolean last = i == numbers.size() - 1;
      SegmentStore.Segment segment = store.open(number);
      segments.put(number, segment);
      long size = segment.size();
      if (last && size <= JournalFormat.HEADER_BYTES) {
        segments.remove(number); // cut off while it was made: nothing was acknowledged in it
        segment.close();
        store.delete(number);
        break;
      }
      checkHeader(segment, size, number);
      long end = recoverFrames(segment, size, number);
      if (end < size) {
        if (!last || JournalFormat.wasDurable(segment::read, end, size)) {
          throw damaged(number, "at byte " + end);
        }
        log.warn(
            "{}: {} bytes behind the last whole record of segment {} were never acknowledged, and"
                + " are cut",
            store.name(),
            size - end,
            number);
        segment.truncate(end);
      }
      sizes.put(number, end);
      lastNumber = number;
    }
  }

  private long recoverFrames(SegmentStore.Segment segment, long size, long number)
      throws IOException {
    long at = JournalFormat.HEADER_BYTES;
    while (true) {
      JournalFormat.Frame frame = JournalFormat.next(segment::read, at, size);
      if (frame == null) {
        return at;
      }
      apply(frame, number);
      nextSequence = Math.max(nextSequence, frame.sequence() + 1);
      at = frame.end();
    }
  }

  private void apply(JournalFormat.Frame frame, long segment) throws IOException {
    JournalRecord record = frame.record();
    switch (record.getKindCase()) {
      case BLOCK -> {
        JournalBlock b = record.getBlock();
        StagedBlock block =
            new StagedBlock(
                b.getWriter(),
                frame.sequence(),
                new InodeId(b.getInode()),
                new BlockId(b.getSlice(), b.getIndex(), frame.contentBytes()),
                b.getChunk(),
                b.getExtentsList(),
                b.getFileEnd(),
                b.getMtime(),
                b.getStaged());
        state.add(
            new JournalState.Stored(block, segment, frame.contentAt(), frame.contentChecksum()));
      }
      case TIMES -> {
        JournalTimes times = record.getTimes();
        state.times(new InodeId(times.getInode()), times.getUpTo(), times.getMtime());
      }
      case DONE -> state.done(new InodeId(record.getDone().getInode()), record.getDone().getUpTo());
      case KIND_NOT_SET ->
          throw new IOException(
              "write-back journal "
                  + store.name()
                  + " was written by a newer version: mount with that one");
    }
  }

  private void checkHeader(SegmentStore.Segment segment, long size, long number)
      throws IOException {
    switch (JournalFormat.check(segment::read, size, fileSystem, number)) {
      case GOOD -> {}
      case BROKEN -> throw damaged(number, "at its beginning");
      case OF_ANOTHER ->
          throw new IOException(
              "write-back journal "
                  + store.name()
                  + " belongs to another file system: give this mount a directory of its own with"
                  + " -o writeback_dir=DIR");
      case OF_ANOTHER_VERSION ->
          throw new IOException(
              "write-back journal "
                  + store.name()
                  + " was written by another version: mount with that one, so that it is uploaded");
    }
  }

  private IOException damaged(long number, String where) {
    return new IOException(
        String.format(
            "write-back journal %s: segment %016x is damaged %s, and what is behind was"
                + " acknowledged: restore the file, or move it away to mount without what it holds",
            store.name(), number, where));
  }

  private void closeSegments() {
    for (SegmentStore.Segment segment : segments.values()) {
      try {
        segment.close();
      } catch (IOException e) {
        log.warn("write-back journal {}: {}", store.name(), String.valueOf(e.getMessage()));
      }
    }
  }
}
