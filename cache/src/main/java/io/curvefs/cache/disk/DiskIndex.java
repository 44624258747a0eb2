package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.Hold;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which blocks are believed to be on disk, least recently used first. A belief, because other
 * processes add and remove files: nothing but eviction relies on it. Thread-safe.
 */
final class DiskIndex {
  private static final int DISK_BLOCK_BYTES = 4096;

  @GuardedBy("this")
  private final Map<BlockId, Entry> blocks = new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private long bytes;

  @GuardedBy("this")
  private long heldBytes;

  private static final class Entry {
    int job;
    boolean pinned;

    boolean isHeld() {
      return job != 0 || pinned;
    }
  }

  /** Room that a block's file takes on disk. */
  static long chargedBytes(BlockId id) {
    return (BlockFormat.fileBytes(id) + DISK_BLOCK_BYTES - 1L)
        / DISK_BLOCK_BYTES
        * DISK_BLOCK_BYTES;
  }

  /** Notes a use of the block, which is there. */
  synchronized void used(BlockId id) {
    entry(id);
  }

  @GuardedBy("this")
  private Entry entry(BlockId id) {
    Entry known = blocks.get(id);
    if (known == null) {
      known = new Entry();
      blocks.put(id, known);
      bytes += chargedBytes(id);
    }
    return known;
  }

  /** Notes that the block is there and must not make room until it is released. */
  synchronized void hold(BlockId id, Hold hold) {
    Entry entry = entry(id);
    if (!entry.isHeld()) {
      heldBytes += chargedBytes(id);
    }
    entry.job = hold.job();
    entry.pinned |= hold.pinned();
  }

  /** Ends the holds of a job, but not its pins. */
  synchronized void release(int job) {
    blocks.forEach(
        (id, entry) -> {
          if (entry.job == job) {
            entry.job = 0;
            heldBytes -= entry.pinned ? 0 : chargedBytes(id);
          }
        });
  }

  /** Notes that the block is not there. */
  synchronized void gone(BlockId id) {
    Entry was = blocks.remove(id);
    if (was != null) {
      bytes -= chargedBytes(id);
      heldBytes -= was.isHeld() ? chargedBytes(id) : 0;
    }
  }

  /** Adds blocks found on disk, oldest first; all count as older than those already known. */
  synchronized void addOlder(List<BlockId> found) {
    List<BlockId> newer = new ArrayList<>(blocks.keySet());
    found.forEach(this::used);
    newer.forEach(this::used);
  }

  /** Takes the least recently used block out that nobody holds. */
  synchronized @Nullable BlockId takeOldest() {
    for (Map.Entry<BlockId, Entry> oldest : blocks.entrySet()) {
      if (!oldest.getValue().isHeld()) {
        BlockId id = oldest.getKey();
        gone(id);
        return id;
      }
    }
    return null;
  }

  synchronized boolean contains(BlockId id) {
    return blocks.containsKey(id);
  }

  synchronized void clear() {
    blocks.clear();
    bytes = 0;
    heldBytes = 0;
  }

  synchronized int files() {
    return blocks.size();
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized long heldBytes() {
    return heldBytes;
  }
}
