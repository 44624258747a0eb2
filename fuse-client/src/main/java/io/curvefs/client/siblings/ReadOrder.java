package io.curvefs.client.siblings;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * From the order in which files are read to those worth fetching next. Whoever reads a few files of
 * a directory in the order of its listing is run ahead of, by a window that grows while the order
 * holds; several readers may each have a run of their own. A file elsewhere begins a new run, so
 * that shuffled readers are fetched nothing. Pure; not thread-safe.
 */
final class ReadOrder {
  /** A file up to this length is small: 1 MiB. */
  static final long SMALL_BYTES_MAX = 1 << 20;

  /** Steps in order before anything is fetched. */
  static final int STEPS_MIN = 3;

  /** A step may leave out one name: pictures beside their labels. */
  static final int STEP_MAX = 2;

  /** Places that a late one among several threads may be behind. */
  static final int LATE_MAX = 4;

  static final int FILES_MIN = 8;

  /** Most files fetched ahead of a run. */
  static final int FILES_MAX = 64;

  /** Most bytes fetched at once. */
  static final long BYTES_MAX = 8 << 20;

  private static final int RUNS_MAX = 8;
  private static final int DIRECTORIES_MAX = 16;

  /** Of all directories together; 16 to 32 bytes each. */
  private static final int NAMES_MAX = 1 << 19;

  private static final class Directory {
    final ListedDirectory order = new ListedDirectory();

    /** Most recently used last. */
    final Deque<Run> runs = new ArrayDeque<>();
  }

  private static final class Run {
    /** Place of the furthest file that was begun. */
    int at;

    int steps;

    /** Everything before this place was looked at. */
    int fetchedTo;

    int window = FILES_MIN;

    Run(int at) {
      this.at = at;
    }
  }

  /** By inode; most recently used last. */
  private final LinkedHashMap<Long, Directory> directories = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Notes a part of a listing.
   *
   * @param first place of its first name in the directory, 0 or more
   * @param inodes by place; 0 for what is not a file
   */
  void listed(long directory, int first, long[] inodes) {
    if (inodes.length == 0 || first + inodes.length > NAMES_MAX) {
      return;
    }
    Directory known = directories.getOrDefault(directory, new Directory());
    ListedDirectory order = known.order;
    if (first > order.size() || order.hasAt(first, inodes)) {
      return; // what lies between was forgotten; or nothing is new
    }
    directories.putIfAbsent(directory, known);
    if (first < order.size()) {
      order.truncate(first);
      known.runs.clear();
    }
    order.append(inodes);
    forgetOldest();
  }

  private void forgetOldest() {
    long names = directories.values().stream().mapToLong(d -> d.order.size()).sum();
    Iterator<Directory> oldest = directories.values().iterator();
    while (directories.size() > DIRECTORIES_MAX || (names > NAMES_MAX && directories.size() > 1)) {
      names -= oldest.next().order.size();
      oldest.remove();
    }
  }

  /**
   * Notes that somebody began to read a file.
   *
   * @param lengths of files by inode, negative where not known
   * @return inodes to fetch, in the order in which they will be read
   */
  List<Long> begun(long inode, LongUnaryOperator lengths) {
    for (Map.Entry<Long, Directory> entry : directories.entrySet()) {
      Directory directory = entry.getValue();
      int place = directory.order.placeOf(inode);
      if (place >= 0) {
        directories.get(entry.getKey()); // used just now
        return begun(directory, place, lengths);
      }
    }
    return List.of();
  }

  private static List<Long> begun(Directory directory, int place, LongUnaryOperator lengths) {
    Run run = runOf(directory, place);
    if (run == null) {
      directory.runs.addLast(new Run(place));
      if (directory.runs.size() > RUNS_MAX) {
        directory.runs.removeFirst();
      }
      return List.of();
    }
    directory.runs.remove(run);
    directory.runs.addLast(run);
    if (place <= run.at) {
      return List.of();
    }
    run.at = place;
    run.steps++;
    return run.steps < STEPS_MIN ? List.of() : next(directory.order, run, lengths);
  }

  private static @Nullable Run runOf(Directory directory, int place) {
    Run nearest = null;
    for (Run run : directory.runs) {
      boolean goesOn = place <= run.at + STEP_MAX && place >= run.at - LATE_MAX;
      if (goesOn && (nearest == null || Math.abs(place - run.at) < Math.abs(place - nearest.at))) {
        nearest = run;
      }
    }
    return nearest;
  }

  private static List<Long> next(ListedDirectory order, Run run, LongUnaryOperator lengths) {
    int from = Math.max(run.fetchedTo, run.at + 1);
    if (from - run.at > run.window / 2) {
      return List.of();
    }
    run.window = Math.min(2 * run.window, FILES_MAX);
    int end = Math.min(order.size(), run.at + 1 + run.window);
    List<Long> files = new ArrayList<>();
    long bytes = 0;
    int place = from;
    while (place < end && bytes < BYTES_MAX) {
      long inode = order.at(place++);
      long length = inode == 0 ? 0 : lengths.applyAsLong(inode);
      if (inode != 0 && length != 0 && length <= SMALL_BYTES_MAX) {
        files.add(inode);
        bytes += length < 0 ? SMALL_BYTES_MAX / 2 : length;
      }
    }
    run.fetchedTo = place;
    return files;
  }
}
