package io.curvefs.client.volume;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** Runs of one file that do not overlap, holes left out. Not thread-safe. */
final class Runs {
  private final NavigableMap<Long, Run> byBlock = new TreeMap<>();

  boolean isEmpty() {
    return byBlock.isEmpty();
  }

  void clear() {
    byBlock.clear();
  }

  List<Run> all() {
    return List.copyOf(byBlock.values());
  }

  /**
   * Adds a run in place of what was there; one that goes on where it begins becomes one with it.
   */
  void put(Run added) {
    remove(added.fileBlock(), added.end());
    Map.Entry<Long, Run> before = byBlock.lowerEntry(added.fileBlock());
    Run joined = added;
    if (before != null && before.getValue().isContinuedBy(added)) {
      Run earlier = before.getValue();
      joined = new Run(earlier.fileBlock(), earlier.count() + added.count(), earlier.address());
    }
    byBlock.put(joined.fileBlock(), joined);
  }

  /** Makes a hole. */
  void remove(long from, long to) {
    for (Run run : overlapping(from, to)) {
      byBlock.remove(run.fileBlock());
      if (run.fileBlock() < from) {
        Run left = run.part(run.fileBlock(), from);
        byBlock.put(left.fileBlock(), left);
      }
      if (run.end() > to) {
        Run right = run.part(to, run.end());
        byBlock.put(right.fileBlock(), right);
      }
    }
  }

  private List<Run> overlapping(long from, long to) {
    Long first = byBlock.floorKey(from);
    List<Run> found = new ArrayList<>();
    for (Run run : byBlock.subMap(first == null ? from : first, to).values()) {
      if (run.end() > from) {
        found.add(run);
      }
    }
    return found;
  }

  /** The whole range in order: runs, cut to the range, and the holes between them. */
  List<Run> within(long from, long to) {
    List<Run> whole = new ArrayList<>();
    long at = from;
    for (Run run : overlapping(from, to)) {
      long begin = Math.max(from, run.fileBlock());
      if (begin > at) {
        whole.add(new Run(at, (int) (begin - at), Run.HOLE));
      }
      at = Math.min(to, run.end());
      whole.add(run.part(begin, at));
    }
    if (at < to) {
      whole.add(new Run(at, (int) (to - at), Run.HOLE));
    }
    return whole;
  }
}
