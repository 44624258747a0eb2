package io.curvefs.client.data;

import io.curvefs.client.content.DirtyRanges;
import io.curvefs.client.content.WriteBuffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What is being written to one file, by number of the window in it. Its file's lock guards it. */
final class Gathering {
  private final TreeMap<Long, Window> windows = new TreeMap<>();

  /**
   * Bytes that a writer had gathered.
   *
   * @param at where in the range that was asked for
   */
  record Gathered(int at, ByteBuffer bytes) {}

  boolean isEmpty() {
    return windows.isEmpty();
  }

  /** The window of this number, made when it is missing. */
  Window at(long number) {
    return windows.computeIfAbsent(number, n -> new Window());
  }

  @Nullable Window find(long number) {
    return windows.get(number);
  }

  Map.@Nullable Entry<Long, Window> first() {
    return windows.firstEntry();
  }

  void remove(long number) {
    windows.remove(number);
  }

  /** Drops everything. */
  void release(WriteBuffer buffer) {
    for (Window window : windows.values()) {
      buffer.release(window.pages());
    }
    windows.clear();
  }

  /** Where in the file the last byte of it ends; 0: there is none. */
  long end() {
    Map.Entry<Long, Window> last = windows.lastEntry();
    if (last == null) {
      return 0;
    }
    List<DirtyRanges.Range> ranges = last.getValue().ranges();
    return last.getKey() * Window.BYTES + ranges.get(ranges.size() - 1).to();
  }

  private NavigableMap<Long, Window> within(long offset, long end) {
    return windows.subMap(offset / Window.BYTES, true, (end - 1) / Window.BYTES, true);
  }

  /** Copies of what is there of a range. */
  List<Gathered> copy(long offset, int length) {
    List<Gathered> found = new ArrayList<>();
    long end = offset + length;
    for (Map.Entry<Long, Window> entry : within(offset, end).entrySet()) {
      long start = entry.getKey() * Window.BYTES;
      int from = (int) Math.max(0, offset - start);
      int to = (int) Math.min(Window.BYTES, end - start);
      for (DirtyRanges.Range part : entry.getValue().written(from, to)) {
        ByteBuffer copy = ByteBuffer.allocate(part.length());
        entry.getValue().overlay(part.from(), part.to(), copy, 0);
        found.add(new Gathered((int) (start + part.from() - offset), copy));
      }
    }
    return found;
  }

  /** Copies what is there over the bytes of a range. */
  void overlay(long offset, ByteBuffer dst, int dstFrom, int length) {
    long end = offset + length;
    for (Map.Entry<Long, Window> entry : within(offset, end).entrySet()) {
      long start = entry.getKey() * Window.BYTES;
      int from = (int) Math.max(0, offset - start);
      int to = (int) Math.min(Window.BYTES, end - start);
      entry.getValue().overlay(from, to, dst, dstFrom + (int) (start + from - offset));
    }
  }
}
