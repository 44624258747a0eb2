package io.curvefs.client.staging;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The segments of a journal, the newest of which is appended to. What is appended is there once it
 * is forced. The journal's thread alone uses it, but for {@link #find} and {@link #storedBytes};
 * after that thread's end who closes the journal does.
 */
final class SegmentLog {
  private static final Logger log = LoggerFactory.getLogger(SegmentLog.class);

  /** A segment with nothing left in it stays as long as it is no larger. */
  private static final long IDLE_BYTES = 1 << 20;

  private final SegmentStore store;
  private final UUID fileSystem;
  private final long segmentBytes;

  /** Open segments by number; the last may be {@link #active}. */
  private final NavigableMap<Long, SegmentStore.Segment> segments = new ConcurrentSkipListMap<>();

  private final Map<Long, Long> sizes = new ConcurrentHashMap<>();

  /** Of all segments, as far as they are forced. */
  private final AtomicLong storedBytes = new AtomicLong();

  /** What is appended to; null: the next append needs a new one. */
  private SegmentStore.@Nullable Segment active;

  /** Of the newest segment, active or not. */
  private long number;

  /** How much of the active segment is forced. */
  private long forcedBytes;

  /** Where the next append to the active segment goes. */
  private long end;

  private boolean dead;

  /**
   * @param segmentBytes most bytes of one segment
   * @param found the segments there are; they become this one's
   */
  SegmentLog(SegmentStore store, UUID fileSystem, long segmentBytes, JournalRecovery found) {
    this.store = store;
    this.fileSystem = fileSystem;
    this.segmentBytes = segmentBytes;
    this.number = found.lastNumber();
    segments.putAll(found.segments());
    sizes.putAll(found.sizes());
    found.sizes().values().forEach(storedBytes::addAndGet);
  }

  /** A segment to read from; null: it is gone. */
  SegmentStore.@Nullable Segment find(long segment) {
    return segments.get(segment);
  }

  /** Bytes of all segments. */
  long storedBytes() {
    return storedBytes.get();
  }

  /** The segment that is appended to. */
  long number() {
    return number;
  }

  /** How much of that segment is forced. */
  long forcedBytes() {
    return forcedBytes;
  }

  /** Nothing can be written any more. */
  boolean isDead() {
    return dead;
  }

  /** Whether so many bytes may be appended without a new segment. */
  boolean hasRoom(long bytes) {
    return active != null && end + bytes <= segmentBytes;
  }

  /**
   * Appends; in vain, unless {@link #force} follows.
   *
   * @return where in the segment the content begins
   */
  long append(ByteBuffer frame, List<ByteBuffer> content) throws IOException {
    long contentAt = end + frame.remaining();
    List<ByteBuffer> all = new ArrayList<>(content.size() + 1);
    all.add(frame);
    content.forEach(part -> all.add(part.duplicate()));
    long bytes = all.stream().mapToLong(ByteBuffer::remaining).sum();
    requireActive().append(all);
    end += bytes;
    return contentAt;
  }

  private SegmentStore.Segment requireActive() throws IOException {
    SegmentStore.Segment segment = active;
    if (segment == null) {
      throw new IOException("write-back journal " + store.name() + " cannot be written");
    }
    return segment;
  }

  /** Makes safe what was appended. */
  void force() throws IOException {
    requireActive().force();
    grown();
  }

  private void grown() {
    storedBytes.addAndGet(end - forcedBytes);
    forcedBytes = end;
    sizes.put(number, forcedBytes);
  }

  /** A new segment; its header is forced first, so that a broken one was never whole. */
  void rotate() throws IOException {
    if (dead) {
      throw new IOException("write-back journal " + store.name() + " is out of service");
    }
    active = null;
    long next = number + 1;
    SegmentStore.Segment segment = store.create(next);
    number = next;
    forcedBytes = 0;
    end = 0;
    segments.put(next, segment);
    sizes.put(next, 0L);
    active = segment;
    segment.append(List.of(JournalFormat.header(fileSystem, next)));
    segment.force();
    end = JournalFormat.HEADER_BYTES;
    grown();
  }

  /**
   * Cuts what was written in vain, so that only the last segment can ever end in a broken frame.
   *
   * @return false when that fails: nothing can be written any more
   */
  boolean repair() {
    SegmentStore.Segment broken = active;
    active = null;
    end = forcedBytes;
    try {
      if (broken != null) {
        if (forcedBytes < JournalFormat.HEADER_BYTES) {
          drop(number);
        } else {
          broken.truncate(forcedBytes);
        }
      } else if (store.list().contains(number + 1)) {
        store.delete(number + 1);
      }
      return true;
    } catch (IOException e) {
      dead = true;
      log.error(
          "write-back journal {} is out of service until the next mount: {}",
          store.name(),
          String.valueOf(e.getMessage()));
      return false;
    }
  }

  /**
   * Removes segments that are not needed any more, the oldest first.
   *
   * @param needed whether something in a segment is
   */
  void dropFinished(LongPredicate needed) {
    try {
      while (!segments.isEmpty()) {
        long oldest = segments.firstKey();
        boolean idle = active != null && oldest == number && forcedBytes <= IDLE_BYTES;
        if (idle || needed.test(oldest)) {
          return;
        }
        drop(oldest);
      }
    } catch (IOException e) {
      log.warn("write-back journal {}: {}", store.name(), String.valueOf(e.getMessage()));
    }
  }

  void dropAll() throws IOException {
    for (long each : List.copyOf(segments.keySet())) {
      drop(each);
    }
  }

  /** First the file goes, then nobody finds it, then it is closed: a reader may have it. */
  private void drop(long which) throws IOException {
    SegmentStore.Segment segment = segments.get(which);
    store.delete(which);
    segments.remove(which);
    if (which == number) {
      active = null;
    }
    Long bytes = sizes.remove(which);
    storedBytes.addAndGet(bytes == null ? 0 : -bytes);
    if (segment != null) {
      segment.close();
    }
  }

  void close() {
    for (SegmentStore.Segment segment : segments.values()) {
      try {
        segment.close();
      } catch (IOException e) {
        log.warn("write-back journal {}: {}", store.name(), String.valueOf(e.getMessage()));
      }
    }
  }
}
