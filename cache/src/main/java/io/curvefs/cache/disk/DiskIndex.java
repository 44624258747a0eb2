package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import java.util.ArrayList;
import java.util.Iterator;
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
  private final Map<BlockId, Boolean> blocks = new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private long bytes;

  /** Room that a block's file takes on disk. */
  static long chargedBytes(BlockId id) {
    return (BlockFormat.fileBytes(id) + DISK_BLOCK_BYTES - 1L)
        / DISK_BLOCK_BYTES
        * DISK_BLOCK_BYTES;
  }

  /** Notes a use of the block, which is there. */
  synchronized void used(BlockId id) {
    if (blocks.put(id, true) == null) {
      bytes += chargedBytes(id);
    }
  }

  /** Notes that the block is not there. */
  synchronized void gone(BlockId id) {
    if (blocks.remove(id) != null) {
      bytes -= chargedBytes(id);
    }
  }

  /** Adds blocks found on disk, oldest first; all count as older than those already known. */
  synchronized void addOlder(List<BlockId> found) {
    List<BlockId> newer = new ArrayList<>(blocks.keySet());
    found.forEach(this::used);
    newer.forEach(this::used);
  }

  /** Takes the least recently used block out. */
  synchronized @Nullable BlockId takeOldest() {
    Iterator<BlockId> oldest = blocks.keySet().iterator();
    if (!oldest.hasNext()) {
      return null;
    }
    BlockId id = oldest.next();
    gone(id);
    return id;
  }

  synchronized boolean contains(BlockId id) {
    return blocks.containsKey(id);
  }

  synchronized void clear() {
    blocks.clear();
    bytes = 0;
  }

  synchronized int files() {
    return blocks.size();
  }

  synchronized long bytes() {
    return bytes;
  }
}
