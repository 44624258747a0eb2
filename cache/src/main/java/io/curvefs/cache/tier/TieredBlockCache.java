package io.curvefs.cache.tier;

import static java.util.stream.Collectors.toSet;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.BlockSource;
import io.curvefs.cache.CacheStatistics;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.Hold;
import io.curvefs.cache.LastingTiers;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.disk.DiskTier;
import io.curvefs.cache.memcached.MemcachedTier;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Memory, then disk and memcached as far as they exist, then the source. */
public final class TieredBlockCache implements BlockCache, LastingTiers {
  /** Pieces of a block that are worth their own read of a disk, however many there are. */
  private static final int LARGE_PIECE_BYTES_MIN = 64 << 10;

  /** Blocks whose reading in pieces is remembered. */
  private static final int PIECEMEAL_BLOCKS_MAX = 4096;

  private final PagePool pool;
  private final MemoryTier memory;
  private final @Nullable DiskTier disk;
  private final @Nullable MemcachedTier memcached;
  private final BlockSource source;
  private final TieredOptions options;
  private final SingleFlight flights;
  private final Prefetcher prefetcher;

  /** Bytes lately read in pieces, per block that memory did not have. */
  private final Cache<BlockId, Integer> piecemeal =
      Caffeine.newBuilder().maximumSize(PIECEMEAL_BLOCKS_MAX).executor(Runnable::run).build();

  /** What warmups have loaded and not yet stored; who has put it here holds the reference. */
  private final ConcurrentMap<BlockId, PagedBytes> beingStored = new ConcurrentHashMap<>();

  private final LongAdder sourceLoads = new LongAdder();
  private final LongAdder sourceBytes = new LongAdder();
  private final LongAdder prefetchesIssued = new LongAdder();

  /**
   * @param pool where the pages of what is loaded come from
   * @param memory closed with this cache
   * @param disk closed with this cache; null for none
   * @param memcached closed with this cache; null for none
   */
  public TieredBlockCache(
      PagePool pool,
      MemoryTier memory,
      @Nullable DiskTier disk,
      @Nullable MemcachedTier memcached,
      BlockSource source,
      TieredOptions options) {
    this.pool = pool;
    this.memory = memory;
    this.disk = disk;
    this.memcached = memcached;
    this.source = source;
    this.options = options;
    this.flights = new SingleFlight(thread -> disk != null && disk.isStuck(thread));
    this.prefetcher =
        new Prefetcher(options.prefetchThreads(), options.prefetchQueueMax(), this::fetchAhead);
  }

  @Override
  public PagedBytes read(BlockId id, int bytesWanted) throws IOException {
    PagedBytes content = memory.read(id, bytesWanted);
    return content != null ? content : loadOrJoin(id);
  }

  @Override
  public boolean isOnDisk(BlockId id) {
    return disk != null && disk.contains(id);
  }

  @Override
  public void readRange(BlockId id, int offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    Objects.checkFromIndexSize(offset, length, id.length());
    PagedBytes content = memory.read(id, length);
    if (content == null) {
      content = findBeingStored(id);
    }
    if (content == null && flights.isLoading(id)) {
      content = loadOrJoin(id);
    }
    // Many large pieces cost a disk no more than the block as a whole.
    boolean large = length >= LARGE_PIECE_BYTES_MIN;
    if (content == null && large && readRangeFromDisk(id, offset, dst)) {
      return;
    }
    if (content == null && isWorthLoading(id, length)) {
      content = loadOrJoin(id);
    }
    if (content != null) {
      try {
        content.copyTo(offset, dst, length);
      } finally {
        content.release();
      }
    } else if ((large || !readRangeFromDisk(id, offset, dst))
        && !readRangeFromMemcached(id, offset, dst)) {
      loadRange(id, offset, dst);
    }
  }

  private boolean readRangeFromDisk(BlockId id, int offset, ByteBuffer dst) throws IOException {
    return disk != null && disk.readRange(id, offset, dst);
  }

  private boolean readRangeFromMemcached(BlockId id, int offset, ByteBuffer dst)
      throws IOException {
    int length = dst.remaining();
    int travelled = memcached == null ? 0 : memcached.readRange(id, offset, dst);
    if (travelled > length) {
      countPiece(id, travelled - length); // what travels is what counts
    }
    return travelled > 0;
  }

  /** Whether more than half of the block, with this piece, was lately read in pieces. */
  private boolean isWorthLoading(BlockId id, int length) {
    return countPiece(id, length) > id.length() / 2;
  }

  /** Bytes of the block that were lately read in pieces, with this one. */
  @CanIgnoreReturnValue
  private int countPiece(BlockId id, int length) {
    return piecemeal
        .asMap()
        .merge(id, length, (before, more) -> Math.min(before + more, id.length()));
  }

  private void loadRange(BlockId id, int offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    ByteBuffer into = dst.duplicate();
    source.load(id, offset, length, List.of(into));
    if (into.hasRemaining()) {
      throw new IOException("only part of " + length + " bytes of block " + id + " was read");
    }
    dst.position(dst.limit());
    countLoad(length);
  }

  private PagedBytes loadOrJoin(BlockId id) throws IOException {
    PagedBytes content = flights.load(id, () -> load(id));
    memory.markRead(id); // the load may have been a prefetch
    return content;
  }

  /** From the tiers below, else from the source; for one thread per block at a time. */
  private PagedBytes load(BlockId id) throws IOException {
    PagedBytes content = memory.find(id); // a load that ended just before this one began
    if (content == null) {
      content = loadFromBelow(id);
      memory.put(id, content);
      piecemeal.invalidate(id);
    }
    return content;
  }

  private PagedBytes loadFromBelow(BlockId id) throws IOException {
    PagedBytes content = findBeingStored(id);
    if (content == null && disk != null) {
      content = disk.read(id);
    }
    if (content == null) {
      content = loadFromAfar(id);
      if (disk != null) {
        disk.offer(id, content);
      }
    }
    return content;
  }

  /** From memcached, else from the source. */
  private PagedBytes loadFromAfar(BlockId id) throws IOException {
    PagedBytes content = memcached == null ? null : memcached.read(id);
    if (content == null) {
      content = loadFromSource(id);
      if (memcached != null && options.loadedToMemcached()) {
        memcached.offer(id, content);
      }
    }
    return content;
  }

  private PagedBytes loadFromSource(BlockId id) throws IOException {
    PagedBytes content =
        PagedBytes.fill(
            pool,
            id.length(),
            options.pageWaitMax(),
            into -> source.load(id, 0, id.length(), into));
    countLoad(id.length());
    return content;
  }

  private void countLoad(int bytes) {
    sourceLoads.increment();
    sourceBytes.add(bytes);
  }

  @Override
  public void prefetch(BlockId id) {
    if (!memory.contains(id) && !flights.isLoading(id)) {
      prefetcher.submit(id);
    }
  }

  @Override
  public long aheadBytesMax() {
    return memory.aheadBytesMax();
  }

  private void fetchAhead(BlockId id) {
    if (memory.contains(id) || flights.isLoading(id)) {
      return;
    }
    boolean pagesToSpare =
        pool.shortage() == 0 && pool.available() >= PagePool.pagesFor(id.length());
    if (!pagesToSpare || !memory.reserveAhead(id)) {
      prefetcher.countDropped();
      return;
    }
    prefetchesIssued.increment();
    try {
      flights.load(id, () -> loadAhead(id)).release();
    } catch (IOException e) {
      // Whoever reads the block next tries again, and is told.
    } finally {
      memory.giveUpAhead(id);
    }
  }

  private PagedBytes loadAhead(BlockId id) throws IOException {
    PagedBytes content = memory.find(id);
    if (content == null) {
      content = loadFromBelow(id);
      memory.putAhead(id, content);
    }
    return content;
  }

  @Override
  public void offer(BlockId id, PagedBytes content) {
    if (content.length() != id.length()) {
      throw new IllegalArgumentException(content.length() + " bytes offered as block " + id);
    }
    if (options.writtenToMemory()) {
      memory.put(id, content);
    }
    if (options.writtenToDisk() && disk != null) {
      disk.offer(id, content);
    }
    if (options.writtenToMemcached() && memcached != null) {
      memcached.offer(id, content);
    }
  }

  // ---- for warmups ----

  @Override
  public boolean exists(CacheTier tier) {
    return switch (tier) {
      case DISK -> disk != null;
      case MEMCACHED -> memcached != null && memcached.isOn();
    };
  }

  private DiskTier disk() throws IOException {
    if (disk == null) {
      throw new IOException("this mount has no disk cache: mount with cache_size above 0");
    }
    return disk;
  }

  private MemcachedTier memcached() throws IOException {
    if (memcached == null) {
      throw new IOException("this mount uses no memcached servers");
    }
    return memcached;
  }

  @Override
  public int warm(BlockId id, CacheTier tier, Hold hold) throws IOException {
    return switch (tier) {
      case DISK -> warmDisk(disk(), id, hold);
      case MEMCACHED -> warmMemcached(memcached(), id, hold.job());
    };
  }

  private int warmDisk(DiskTier to, BlockId id, Hold hold) throws IOException {
    if (to.hold(id, hold)) {
      return 0;
    }
    loadAndStore(id, () -> loadForDisk(id), content -> to.store(id, content, hold));
    return id.length();
  }

  private int warmMemcached(MemcachedTier to, BlockId id, int job) throws IOException {
    return to.contains(id) ? 0 : bringToMemcached(to, id, job);
  }

  @Override
  public int bring(BlockId id, CacheTier tier, Hold hold) throws IOException {
    return switch (tier) {
      case DISK -> warmDisk(disk(), id, hold); // the hold tells what is there, at no cost
      case MEMCACHED -> bringToMemcached(memcached(), id, hold.job());
    };
  }

  /** Memcached servers cannot hold a block: they evict what was used longest ago. */
  private int bringToMemcached(MemcachedTier to, BlockId id, int job) throws IOException {
    loadAndStore(id, () -> loadForMemcached(id), content -> to.store(id, content, job));
    return id.length();
  }

  @FunctionalInterface
  private interface Storing {
    void store(PagedBytes content) throws IOException;
  }

  /** Loads and stores; who asks for the block in between finds it here and loads nothing. */
  private void loadAndStore(BlockId id, SingleFlight.Loader loader, Storing storing)
      throws IOException {
    PagedBytes content =
        flights.load(
            id,
            () -> {
              PagedBytes loaded = loader.load();
              beingStored.put(id, loaded);
              return loaded;
            });
    try {
      storing.store(content);
    } finally {
      beingStored.remove(id, content);
      content.release();
    }
  }

  private @Nullable PagedBytes findBeingStored(BlockId id) {
    PagedBytes content = beingStored.get(id);
    return content != null && content.tryRetain() ? content : null;
  }

  private PagedBytes loadForDisk(BlockId id) throws IOException {
    PagedBytes content = memory.find(id);
    if (content == null) {
      content = findBeingStored(id); // in memcached
    }
    return content != null ? content : loadFromAfar(id);
  }

  private PagedBytes loadForMemcached(BlockId id) throws IOException {
    PagedBytes content = memory.find(id);
    if (content == null) {
      content = findBeingStored(id); // on disk
    }
    if (content == null && disk != null) {
      content = disk.read(id);
    }
    return content != null ? content : loadFromSource(id);
  }

  @Override
  public Set<BlockId> present(CacheTier tier, Collection<BlockId> ids) throws IOException {
    return switch (tier) {
      case DISK -> disk == null ? Set.of() : ids.stream().filter(disk::contains).collect(toSet());
      case MEMCACHED -> memcached == null ? Set.of() : memcached.present(ids);
    };
  }

  @Override
  public Set<BlockId> held(CacheTier tier, Collection<BlockId> ids) {
    return switch (tier) {
      case DISK -> disk == null ? Set.of() : ids.stream().filter(disk::isHeld).collect(toSet());
      case MEMCACHED -> Set.of();
    };
  }

  @Override
  public boolean evict(BlockId id, CacheTier tier) throws IOException {
    memory.forget(id);
    return switch (tier) {
      case DISK -> disk().evict(id);
      case MEMCACHED -> memcached().evict(id);
    };
  }

  @Override
  public void release(int job) {
    if (disk != null) {
      disk.release(job);
    }
    if (memcached != null) {
      memcached.release(job);
    }
  }

  @Override
  public TierRoom room(CacheTier tier) {
    return switch (tier) {
      case DISK -> disk == null ? TierRoom.NONE : disk.room();
      case MEMCACHED -> memcached == null ? TierRoom.NONE : memcached.room();
    };
  }

  @Override
  public void dropMemory() {
    piecemeal.invalidateAll();
    memory.clear();
  }

  @Override
  public void dropAll() throws IOException {
    dropMemory();
    if (disk != null) {
      disk.dropAll();
    }
  }

  @Override
  public CacheStatistics statistics() {
    return new CacheStatistics(
        memory.statistics(),
        disk == null ? TierStatistics.NONE : disk.statistics(),
        memcached == null ? TierStatistics.NONE : memcached.statistics(),
        sourceLoads.sum(),
        sourceBytes.sum(),
        prefetchesIssued.sum(),
        prefetcher.dropped());
  }

  @Override
  public void close() {
    prefetcher.close();
    memory.close();
    if (disk != null) {
      disk.close();
    }
    if (memcached != null) {
      memcached.close();
    }
  }
}
