package io.curvefs.cache.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagedBytes;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that are being read just now or were fetched ahead of their reader, least recently
 * used first. Thread-safe; the lock is held while a block leaves for its successor, so that a block
 * on its way is never nowhere. Lock order: this, then whatever the successor takes.
 */
final class RecentBlocks {
  /** Takes over the block and the reference to it. */
  interface Successor {
    void take(BlockId id, PagedBytes content);
  }

  private static final class Entry {
    final PagedBytes content;
    boolean read;

    Entry(PagedBytes content, boolean read) {
      this.content = content;
      this.read = read;
    }
  }

  private final long bytesMax;
  private final Successor successor;

  @GuardedBy("this")
  private final LinkedHashMap<BlockId, Entry> blocks = new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private long bytes;

  /** Bytes of the blocks that nobody has read yet; part of {@link #bytes}. */
  @GuardedBy("this")
  private long unreadBytes;

  /** Bytes of the blocks that are on their way here and were not fetched by their reader. */
  @GuardedBy("this")
  private final Map<BlockId, Integer> reserved = new HashMap<>();

  /** Sum of {@link #reserved}. */
  @GuardedBy("this")
  private long reservedBytes;

  RecentBlocks(long bytesMax, Successor successor) {
    this.bytesMax = bytesMax;
    this.successor = successor;
  }

  /** The content with a reference for the caller, or null. Counts as a read of the block. */
  synchronized @Nullable PagedBytes read(BlockId id) {
    Entry entry = blocks.get(id);
    if (entry == null) {
      return null;
    }
    markRead(entry);
    return entry.content.retain();
  }

  /** Notes that the block, if it is here, has found its reader. */
  synchronized void markRead(BlockId id) {
    Entry entry = blocks.get(id);
    if (entry != null) {
      markRead(entry);
    }
  }

  @GuardedBy("this")
  private void markRead(Entry entry) {
    if (!entry.read) {
      entry.read = true;
      unreadBytes -= entry.content.heldBytes();
    }
  }

  synchronized boolean contains(BlockId id) {
    return blocks.containsKey(id);
  }

  synchronized int size() {
    return blocks.size();
  }

  /** Most bytes that are here unread or on their way. */
  long aheadBytesMax() {
    return bytesMax / 4 * 3;
  }

  /**
   * Reserves room for a block to be fetched ahead, if there is any: unread blocks must not push
   * each other out before their readers come. The reservation ends when the block comes, whoever
   * brought it, and with {@link #giveUpAhead}.
   */
  synchronized boolean reserveAhead(BlockId id, int more) {
    if (unreadBytes + reservedBytes + more > aheadBytesMax()) {
      return false;
    }
    if (reserved.putIfAbsent(id, more) == null) {
      reservedBytes += more;
    }
    return true;
  }

  /** Ends a reservation, if there still is one. */
  synchronized void giveUpAhead(BlockId id) {
    Integer given = reserved.remove(id);
    if (given != null) {
      reservedBytes -= given;
    }
  }

  /** Keeps a block that is not here yet, with a reference of its own. */
  synchronized boolean add(BlockId id, PagedBytes content, boolean read) {
    giveUpAhead(id); // what is here is not on its way: its reader may ask for more at once
    if (blocks.containsKey(id)) {
      return false;
    }
    blocks.put(id, new Entry(content.retain(), read));
    bytes += content.heldBytes();
    unreadBytes += read ? 0 : content.heldBytes();
    while (bytes > bytesMax) {
      passOnOldest(successor);
    }
    return true;
  }

  /** Takes a block out; its content with the reference that was kept here, or null. */
  synchronized @Nullable PagedBytes remove(BlockId id) {
    Entry entry = blocks.remove(id);
    if (entry == null) {
      return null;
    }
    bytes -= entry.content.heldBytes();
    if (!entry.read) {
      unreadBytes -= entry.content.heldBytes();
    }
    return entry.content;
  }

  /** Passes the least recently used block on; false when there is none. */
  synchronized boolean passOnOldest(Successor to) {
    Iterator<Map.Entry<BlockId, Entry>> oldest = blocks.entrySet().iterator();
    if (!oldest.hasNext()) {
      return false;
    }
    Map.Entry<BlockId, Entry> block = oldest.next();
    oldest.remove();
    Entry entry = block.getValue();
    bytes -= entry.content.heldBytes();
    unreadBytes -= entry.read ? 0 : entry.content.heldBytes();
    to.take(block.getKey(), entry.content);
    return true;
  }
}
