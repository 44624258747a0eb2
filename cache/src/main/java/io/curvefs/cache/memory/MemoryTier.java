package io.curvefs.cache.memory;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Blocks held in pages of the pool. Thread-safe, never blocks for pages or I/O.
 *
 * <p>A block lives in two stages. Half of the room holds the <em>recent</em> blocks in order of
 * use: a block read in 32 pieces, or fetched ahead and not read yet, must stay whatever its
 * history. Then it competes for the <em>lasting</em> rest by frequency (Caffeine's W-TinyLFU), so
 * that one pass over a large data set does not wash out what every epoch reads. (By frequency
 * alone, a block fetched ahead loses against any that was read: in a simulation up to 99 % of them
 * went before their readers came.)
 *
 * <p>The tier's own reference to a content ends with eviction; readers keep theirs. When the pool
 * runs dry the tier gives pages back at once, in the thread that lacks them.
 */
public final class MemoryTier implements AutoCloseable {
  private final PagePool pool;
  private final RecentBlocks recent;
  private final Cache<BlockId, PagedBytes> lasting;
  private final Policy.Eviction<BlockId, PagedBytes> lastingOrder;
  private final PagePool.Reclaimer reclaimer = pages -> shed((long) pages * PagePool.PAGE_BYTES);
  private volatile boolean closed;

  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder bytesServed = new LongAdder();
  private final LongAdder heldBytes = new LongAdder();
  private final LongAdder evictions = new LongAdder();

  /**
   * @param pool where the pages come from and go; should be larger than {@code bytesMax} by what
   *     readers and writers need at the same time
   * @param bytesMax room, in bytes of pages held, 0 or more; briefly exceeded by blocks being
   *     added. Blocks of 4 MiB are fetched ahead from 11 MiB on
   */
  public MemoryTier(PagePool pool, long bytesMax) {
    if (bytesMax < 0) {
      throw new IllegalArgumentException("not a size of the memory cache: " + bytesMax + " bytes");
    }
    this.pool = pool;
    this.lasting =
        Caffeine.newBuilder()
            .maximumWeight(bytesMax - bytesMax / 2)
            .weigher((BlockId id, PagedBytes content) -> content.heldBytes())
            .executor(Runnable::run) // pages are free when the call that evicts them returns
            .removalListener(this::onRemoval)
            .build();
    this.lastingOrder = lasting.policy().eviction().orElseThrow();
    this.recent = new RecentBlocks(bytesMax / 2, this::keepLasting);
    pool.onShortage(reclaimer);
  }

  /**
   * The content with a reference for the caller, or null.
   *
   * @param bytesWanted how much of it the reader is about to use, for the statistics
   */
  public @Nullable PagedBytes read(BlockId id, int bytesWanted) {
    PagedBytes content = find(id);
    if (content == null) {
      misses.increment();
      return null;
    }
    hits.increment();
    bytesServed.add(bytesWanted);
    return content;
  }

  /** As {@link #read}, but not counted: for a second look after a miss. */
  public @Nullable PagedBytes find(BlockId id) {
    PagedBytes content = recent.read(id);
    if (content != null) {
      return content;
    }
    content = lasting.getIfPresent(id);
    return content != null && content.tryRetain() ? content : null;
  }

  /** Whether the tier has the block. Does not count as a use. */
  public boolean contains(BlockId id) {
    return recent.contains(id) || lasting.asMap().containsKey(id);
  }

  /**
   * Reserves room for a block to be fetched ahead, unless it would push out others whose readers
   * have yet to come. It ends when the block is put; {@link #giveUpAhead} follows in any case.
   */
  public boolean reserveAhead(BlockId id) {
    return recent.reserveAhead(id, heldBytes(id));
  }

  /** Bytes of blocks that may be fetched ahead and not be read yet, at the same time. */
  public long aheadBytesMax() {
    return recent.aheadBytesMax();
  }

  /** Ends {@link #reserveAhead}. */
  public void giveUpAhead(BlockId id) {
    recent.giveUpAhead(id);
  }

  private static int heldBytes(BlockId id) {
    return PagePool.pagesFor(id.length()) * PagePool.PAGE_BYTES;
  }

  /** Notes that a block which was put {@linkplain #putAhead ahead} has found its reader. */
  public void markRead(BlockId id) {
    recent.markRead(id);
  }

  /** Keeps a block that someone has read or written. The tier takes a reference of its own. */
  public void put(BlockId id, PagedBytes content) {
    keep(id, content, true);
  }

  /** Keeps a block that was fetched ahead of its reader. The tier takes a reference of its own. */
  public void putAhead(BlockId id, PagedBytes content) {
    keep(id, content, false);
  }

  private void keep(BlockId id, PagedBytes content, boolean read) {
    if (lasting.asMap().containsKey(id)) {
      return;
    }
    heldBytes.add(content.heldBytes());
    if (!recent.add(id, content, read)) {
      heldBytes.add(-content.heldBytes());
      return;
    }
    if (closed) {
      clear();
    }
    int lacking = pool.shortage();
    if (lacking > 0) {
      shed((long) lacking * PagePool.PAGE_BYTES);
    }
  }

  private void keepLasting(BlockId id, PagedBytes content) {
    // Not put: replacing a value by itself would not tell the listener, and a reference would leak.
    if (lasting.asMap().putIfAbsent(id, content) != null) {
      letGo(content);
    }
  }

  /**
   * Evicts until {@code bytes} bytes of pages are free or nothing is left, least useful first.
   * Blocks that readers still hold go too but do not count, for their pages come back later.
   */
  public void shed(long bytes) {
    long freed = 0;
    while (freed < bytes) {
      List<Map.Entry<BlockId, PagedBytes>> coldest = coldest(bytes - freed);
      if (coldest.isEmpty()) {
        break;
      }
      for (Map.Entry<BlockId, PagedBytes> block : coldest) {
        freed += evict(block.getKey(), block.getValue());
      }
    }
    long[] freedRecent = {freed};
    boolean more = true;
    while (more && freedRecent[0] < bytes) {
      more =
          recent.passOnOldest(
              (id, content) -> {
                evictions.increment();
                freedRecent[0] += letGo(content) ? content.heldBytes() : 0;
              });
    }
  }

  private List<Map.Entry<BlockId, PagedBytes>> coldest(long bytes) {
    return lastingOrder.coldest(
        entries -> {
          List<Map.Entry<BlockId, PagedBytes>> enough = new ArrayList<>();
          long[] found = {0};
          entries
              .takeWhile(entry -> found[0] < bytes)
              .forEach(
                  entry -> {
                    found[0] += entry.weight();
                    enough.add(Map.entry(entry.getKey(), entry.getValue()));
                  });
          return enough;
        });
  }

  /** Bytes of pages that became free now. */
  private int evict(BlockId id, PagedBytes content) {
    // Held for a moment, so that this thread and not the removal listener sees the last reference
    // go.
    if (!content.tryRetain()) {
      return 0;
    }
    if (lasting.asMap().remove(id, content)) {
      evictions.increment();
    }
    return content.release() ? content.heldBytes() : 0;
  }

  /** Forgets one block. */
  public void forget(BlockId id) {
    PagedBytes content = recent.remove(id);
    if (content != null) {
      letGo(content);
    }
    lasting.invalidate(id);
  }

  /** Forgets every block. */
  public void clear() {
    lasting.invalidateAll();
    boolean more = true;
    while (more) {
      more = recent.passOnOldest((id, content) -> letGo(content));
    }
    lasting.invalidateAll(); // what passed from recent to lasting in between
  }

  /** A snapshot; blocks and bytes may stem from slightly different moments. */
  public TierStatistics statistics() {
    lasting.cleanUp();
    long entries = recent.size() + lasting.estimatedSize();
    return new TierStatistics(
        hits.sum(),
        misses.sum(),
        bytesServed.sum(),
        entries,
        heldBytes.sum(),
        evictions.sum(),
        0,
        0);
  }

  /** Gives every page back and keeps nothing from now on. */
  @Override
  public void close() {
    closed = true;
    pool.forget(reclaimer);
    clear();
  }

  private void onRemoval(@Nullable BlockId id, @Nullable PagedBytes content, RemovalCause cause) {
    if (content != null) {
      if (cause.wasEvicted()) {
        evictions.increment();
      }
      letGo(content);
    }
  }

  private boolean letGo(PagedBytes content) {
    heldBytes.add(-content.heldBytes());
    return content.release();
  }
}
