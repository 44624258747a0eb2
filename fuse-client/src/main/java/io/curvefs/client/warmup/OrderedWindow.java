package io.curvefs.client.warmup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.LastingTiers;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs ahead of somebody who reads files in a known order: what is warmed and not read yet, with
 * what was read and not evicted yet, is at most a window of bytes. Room is made by evicting what
 * was read, since its next turn comes last of all. How far the reader is, opens and closes tell;
 * one open far ahead may be anybody's. Thread-safe.
 */
final class OrderedWindow {
  /** A reader with many threads opens files about so far out of order; earlier ones are passed. */
  static final int SLACK_FILES = 64;

  /** Files ahead of the window that a reader is recognised at when it is faster. */
  private static final int UPCOMING_MAX = 50_000;

  /** So many files within {@link #SLACK_FILES} are opened by the reader, not by somebody else. */
  static final int READER_FILES = 4;

  private static final int OPENED_MAX = 10_000;

  private static final int PAGE_BYTES = 1 << 20;

  /** Files in the window, read ones too, whatever their size. */
  static final int FILES_MAX = 100_000;

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final long bytesMax;
  private final LastingTiers tiers;
  private final CacheTier tier;
  private final Path manifest;
  private final Stop stop;

  /** Files that are warmed or being warmed, by their place in the order. */
  @GuardedBy("this")
  private final Map<Long, Ahead> ahead = new LinkedHashMap<>();

  @GuardedBy("this")
  private final Map<InodeId, TreeSet<Long>> places = new HashMap<>();

  /** Files that were read and of which no block is on its way any more: they make room. */
  @GuardedBy("this")
  private final Deque<Ahead> read = new ArrayDeque<>();

  /** Files in the window: ahead, read, or in between. */
  @GuardedBy("this")
  private int files;

  /** First place of files that are not in the window yet. */
  @GuardedBy("this")
  private final Map<InodeId, Long> upcoming = new HashMap<>();

  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private long admitted;

  @GuardedBy("this")
  private long looked;

  /** Offset in the manifest; -1: its end is reached. */
  @GuardedBy("this")
  private long lookAt;

  /** Places that were opened and are not far behind the reader. */
  @GuardedBy("this")
  private final TreeSet<Long> opened = new TreeSet<>();

  /** The furthest place that the reader has opened before it was in the window. */
  @GuardedBy("this")
  private long overtaken = -1;

  /** A file in the window; its fields are guarded by the window. */
  static final class Ahead {
    private final InodeId inode;
    private final long length;
    private final List<BlockId> blocks = new ArrayList<>();

    /** No block of it is on its way: it can be evicted without one that comes later. */
    private boolean settled;

    private boolean passed;

    private Ahead(InodeId inode, long length) {
      this.inode = inode;
      this.length = length;
    }
  }

  /**
   * @param manifest the files in their order, as an {@link EntryFile}
   */
  OrderedWindow(long bytesMax, LastingTiers tiers, CacheTier tier, Path manifest, Stop stop) {
    this.bytesMax = bytesMax;
    this.tiers = tiers;
    this.tier = tier;
    this.manifest = manifest;
    this.stop = stop;
  }

  /**
   * Waits until the next file of the order has room, and makes room. A file that is longer than the
   * window comes alone.
   *
   * @return to be told of with {@link #named} and {@link #settled}; null: its reader was faster
   */
  @Nullable Ahead admit(Parts.Target target) throws InterruptedException {
    long place;
    synchronized (this) {
      place = admitted++;
      lookAhead();
      if (place == upcoming.getOrDefault(target.inode(), -1L)) {
        upcoming.remove(target.inode());
      }
    }
    while (true) {
      Ahead evict;
      synchronized (this) {
        if (place <= overtaken || opened.contains(place)) {
          return null;
        }
        boolean fits = bytes + target.length() <= bytesMax && files < FILES_MAX;
        if (fits || files == 0) {
          Ahead next = new Ahead(target.inode(), target.length());
          ahead.put(place, next);
          places.computeIfAbsent(target.inode(), inode -> new TreeSet<>()).add(place);
          bytes += next.length;
          files++;
          return next;
        }
        evict = read.poll();
        if (evict == null) {
          stop.check();
          TimeUnit.NANOSECONDS.timedWait(this, LOOK_NANOS);
          continue;
        }
      }
      evict(evict);
    }
  }

  /** Learns the places of files to come. */
  @GuardedBy("this")
  private void lookAhead() {
    if (lookAt < 0 || upcoming.size() >= UPCOMING_MAX / 2) {
      return;
    }
    try {
      EntryFile.Page page = EntryFile.page(manifest, lookAt, PAGE_BYTES);
      for (Entry entry : page.entries()) {
        if (entry.kind() == Entry.Kind.FILE) {
          if (looked >= admitted) {
            upcoming.putIfAbsent(new InodeId(entry.inode()), looked);
          }
          looked++;
        }
      }
      lookAt = page.next() == 0 ? -1 : page.next();
    } catch (IOException e) {
      lookAt = -1; // a faster reader is then recognised only within the window
    }
  }

  /** Blocks of a file, before they are moved. */
  synchronized void named(Ahead file, List<BlockId> blocks) {
    file.blocks.addAll(blocks);
  }

  /** No block of the file is on its way, and none will be. */
  synchronized void settled(Ahead file) {
    file.settled = true;
    if (file.passed) {
      read.add(file);
      notifyAll();
    }
  }

  /** Somebody reads a file from now on. */
  synchronized void opened(InodeId inode) {
    TreeSet<Long> of = places.get(inode);
    Long place = of == null ? upcoming.get(inode) : of.first();
    if (place == null) {
      return;
    }
    opened.add(place);
    if (opened.subSet(place - SLACK_FILES, true, place, true).size() >= READER_FILES) {
      if (of == null) {
        overtaken = Math.max(overtaken, place);
      }
      passBefore(place - SLACK_FILES);
      opened.headSet(place - SLACK_FILES).clear();
    }
    if (opened.size() > OPENED_MAX) {
      opened.pollFirst();
    }
    notifyAll();
  }

  /** Nobody reads the file any more. */
  synchronized void closed(InodeId inode) {
    TreeSet<Long> of = places.get(inode);
    if (of != null) {
      pass(of.first());
    }
    notifyAll();
  }

  @GuardedBy("this")
  private void passBefore(long place) {
    List<Long> passed = new ArrayList<>();
    Iterator<Long> oldest = ahead.keySet().iterator();
    while (oldest.hasNext()) {
      long next = oldest.next();
      if (next >= place) {
        break;
      }
      passed.add(next);
    }
    passed.forEach(this::pass);
  }

  @GuardedBy("this")
  private void pass(long place) {
    Ahead file = ahead.remove(place);
    if (file != null) {
      TreeSet<Long> of = places.get(file.inode);
      if (of != null) {
        of.remove(place);
        if (of.isEmpty()) {
          places.remove(file.inode);
        }
      }
      file.passed = true;
      if (file.settled) {
        read.add(file);
      }
    }
  }

  private void evict(Ahead file) {
    Set<BlockId> needed = Set.of();
    synchronized (this) {
      TreeSet<Long> of = places.get(file.inode);
      @Nullable Ahead again = of == null ? null : ahead.get(of.first());
      if (again != null) { // its next turn is in the window already
        needed = Set.copyOf(again.blocks);
      }
    }
    for (BlockId block : file.blocks) {
      try {
        if (!needed.contains(block)) {
          tiers.evict(block, tier);
        }
      } catch (IOException e) {
        break; // the tier gives it up by itself when it needs the room
      }
    }
    synchronized (this) {
      bytes -= file.length;
      files--;
    }
  }

  /** Files in the window: ahead of the reader, or read and not evicted yet. */
  synchronized int files() {
    return files;
  }

  /** What the window waits for, for people. */
  synchronized String describe() {
    return ahead.size() + " files ahead of the reader, " + admitted + " admitted";
  }
}
