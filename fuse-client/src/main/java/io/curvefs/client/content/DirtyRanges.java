package io.curvefs.client.content;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** Ranges of a window that have been written; neighbours become one. Not thread-safe. */
public final class DirtyRanges {
  /** End of each range by its beginning; disjoint and not touching. */
  private final NavigableMap<Integer, Integer> ends = new TreeMap<>();

  private int bytes;

  /** From inclusive, to exclusive. */
  public record Range(int from, int to) {
    public int length() {
      return to - from;
    }
  }

  public void add(int from, int to) {
    int start = from;
    int end = to;
    Map.Entry<Integer, Integer> before = ends.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      start = before.getKey();
    }
    Map.Entry<Integer, Integer> overlapped = ends.ceilingEntry(start);
    while (overlapped != null && overlapped.getKey() <= end) {
      end = Math.max(end, overlapped.getValue());
      bytes -= overlapped.getValue() - overlapped.getKey();
      ends.remove(overlapped.getKey());
      overlapped = ends.ceilingEntry(start);
    }
    ends.put(start, end);
    bytes += end - start;
  }

  public int count() {
    return ends.size();
  }

  /** Ranges in order. */
  public List<Range> all() {
    List<Range> all = new ArrayList<>(ends.size());
    ends.forEach((from, to) -> all.add(new Range(from, to)));
    return all;
  }

  /** The parts of the ranges that lie within the given one, in order. */
  public List<Range> within(int from, int to) {
    List<Range> parts = new ArrayList<>();
    Integer first = ends.floorKey(from);
    ends.subMap(first == null ? from : first, to)
        .forEach(
            (start, end) -> {
              if (end > from) {
                parts.add(new Range(Math.max(start, from), Math.min(end, to)));
              }
            });
    return parts;
  }

  /** Bytes in all ranges. */
  public int bytes() {
    return bytes;
  }
}
