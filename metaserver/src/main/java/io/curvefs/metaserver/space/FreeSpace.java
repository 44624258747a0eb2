package io.curvefs.metaserver.space;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.space.BlockGroupId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.bitmap.Bitmap;
import io.curvefs.space.group.GroupUsage;
import io.curvefs.space.group.SpaceAllocator;
import io.curvefs.space.group.SpaceRequest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The free blocks that the leader of one term may deal out. Invariant: a block that is free here
 * has a clear bit in the rows, and no entry that would set it is on its way. The other way round a
 * block may be in use here and free in the rows for a moment. Thread-safe.
 */
public final class FreeSpace {
  private static final Logger log = LoggerFactory.getLogger(FreeSpace.class);

  /** Space is scarce when less than one of so many blocks is free, ... */
  private static final int SCARCE_PART = 16;

  /** ... or when so many requests like the present one would use it up. */
  private static final int SCARCE_REQUESTS = 8;

  private record GroupAddress(int fileSystem, long address) {}

  @GuardedBy("this")
  private final Map<Pool, SpaceAllocator> allocators = new HashMap<>();

  @GuardedBy("this")
  private final Map<GroupAddress, Pool> pools = new HashMap<>();

  @GuardedBy("this")
  private final Map<Pool, Long> totals = new HashMap<>();

  /** Block groups of other raft groups, of which some blocks are lent to this one. */
  @GuardedBy("this")
  private final Set<GroupAddress> borrowed = new HashSet<>();

  /** Pools of which borrowed blocks are wanted back as soon as they are free. */
  @GuardedBy("this")
  private final Set<Pool> wantedBack = new HashSet<>();

  /** Pools of which the coordinator had no block group left when it was last asked. */
  @GuardedBy("this")
  private final Set<Pool> exhausted = new HashSet<>();

  /**
   * @param rows of all that earlier terms have done; nothing of this one may be under way
   */
  public FreeSpace(View rows) {
    byte @Nullable [] behind = null;
    while (true) {
      List<Row> next = rows.scan(Keys.heldBlockGroups(), behind, 1);
      if (next.isEmpty()) {
        return;
      }
      int fileSystem = Keys.fileSystemOf(next.get(0).key());
      SpaceRows space = new SpaceRows(rows, fileSystem);
      for (SpaceRows.Held held : space.heldBlockGroups()) {
        add(new Pool(fileSystem, held.group().getPoolSet()), held, space.bitmap(held));
      }
      behind = Keys.heldBlockGroups(fileSystem + 1);
    }
  }

  private synchronized void add(Pool pool, SpaceRows.Held held, Bitmap used) {
    add(pool, held.address(), used);
    if (held.isBorrowed()) {
      borrowed.add(new GroupAddress(pool.fileSystem(), held.address()));
    }
  }

  @GuardedBy("this")
  private void add(Pool pool, long address, Bitmap used) {
    allocators.computeIfAbsent(pool, p -> new SpaceAllocator()).add(groupAt(address), used);
    pools.put(new GroupAddress(pool.fileSystem(), address), pool);
    totals.merge(pool, (long) used.length(), Long::sum);
  }

  private static BlockGroupId groupAt(long address) {
    return new BlockRange(address, 1).group();
  }

  /**
   * Takes blocks. They are the caller's until they are in the rows, or given back.
   *
   * @return what is wanted; no more than what is needed when space is scarce; less than that only
   *     when it would be in too many ranges, and need not be whole; nothing when there is too
   *     little
   */
  public synchronized List<BlockRange> take(Pool pool, Want want) {
    SpaceAllocator allocator = allocators.get(pool);
    if (allocator == null || allocator.free() < want.blocksMin()) {
      return List.of();
    }
    int blocks =
        isScarce(pool, want.blocks())
            ? want.blocksMin()
            : (int) Math.min(want.blocks(), allocator.free());
    BlockRange behind = want.behind() == 0 ? null : new BlockRange(want.behind(), 1);
    boolean growing = want.blocks() > want.blocksMin();
    List<BlockRange> taken =
        allocator.allocate(new SpaceRequest(blocks, behind, growing, want.rangesMax()));
    if (want.whole() && taken.stream().mapToInt(BlockRange::count).sum() < want.blocksMin()) {
      taken.forEach(allocator::release);
      return List.of();
    }
    return taken;
  }

  /**
   * Takes blocks for another raft group, out of block groups that are this one's own. As {@link
   * #take}.
   *
   * @param blocks as many at most, and no more than are free
   */
  public synchronized List<BlockRange> takeToLend(Pool pool, int blocks, int rangesMax) {
    return takeOf(pool, false, blocks, rangesMax);
  }

  /** Takes borrowed blocks that are free, to be returned. As {@link #take}. */
  public synchronized List<BlockRange> takeBorrowed(Pool pool, int rangesMax) {
    return takeOf(pool, true, Integer.MAX_VALUE, rangesMax);
  }

  @GuardedBy("this")
  private List<BlockRange> takeOf(Pool pool, boolean isBorrowed, int blocks, int rangesMax) {
    SpaceAllocator allocator = allocators.get(pool);
    if (allocator == null) {
      return List.of();
    }
    List<BlockGroupId> closed = new ArrayList<>();
    for (GroupUsage usage : allocator.usages()) {
      if (!usage.closed() && isBorrowed != isBorrowed(pool, usage)) {
        allocator.setClosed(usage.id(), true);
        closed.add(usage.id());
      }
    }
    try {
      int count = (int) Math.min(blocks, allocator.free());
      return count <= 0
          ? List.of()
          : allocator.allocate(new SpaceRequest(count, null, false, rangesMax));
    } finally {
      closed.forEach(id -> allocator.setClosed(id, false));
    }
  }

  @GuardedBy("this")
  private boolean isBorrowed(Pool pool, GroupUsage usage) {
    return borrowed.contains(new GroupAddress(pool.fileSystem(), usage.id().range(0, 1).address()));
  }

  /** How many borrowed blocks are free. */
  public synchronized long freeBorrowed(Pool pool) {
    SpaceAllocator allocator = allocators.get(pool);
    long free = 0;
    if (allocator != null && !borrowed.isEmpty()) {
      for (GroupUsage usage : allocator.usages()) {
        free += isBorrowed(pool, usage) ? usage.free() : 0;
      }
    }
    return free;
  }

  /** Somebody needs blocks: those that were borrowed are better given back to their lenders. */
  public synchronized void wantBack(Pool pool) {
    wantedBack.add(pool);
  }

  /** Whether {@link #wantBack} was called since this was last asked. */
  public synchronized boolean takeWantedBack(Pool pool) {
    return wantedBack.remove(pool);
  }

  /** Whether those who have blocks that they do not need should give them back. */
  public synchronized boolean isScarce(Pool pool, int blocksWanted) {
    SpaceAllocator allocator = allocators.get(pool);
    long free = allocator == null ? 0 : allocator.free();
    return exhausted.contains(pool)
        && (free < totals.getOrDefault(pool, 0L) / SCARCE_PART
            || free < (long) SCARCE_REQUESTS * blocksWanted);
  }

  /** What the coordinator last said: whether it has no block group left. */
  public synchronized void setExhausted(Pool pool, boolean nothingLeft) {
    if (nothingLeft) {
      exhausted.add(pool);
    } else {
      exhausted.remove(pool);
    }
  }

  /** How many blocks can be taken. */
  public synchronized long free(Pool pool) {
    SpaceAllocator allocator = allocators.get(pool);
    return allocator == null ? 0 : allocator.free();
  }

  /** The length of the longest range that can be taken. */
  public synchronized int longestFree(Pool pool) {
    SpaceAllocator allocator = allocators.get(pool);
    return allocator == null ? 0 : allocator.longestFree();
  }

  /** The pool of a block; null when its block group is not held. */
  public synchronized @Nullable Pool poolOf(int fileSystem, long address) {
    return pools.get(new GroupAddress(fileSystem, SpaceRows.groupOf(address)));
  }

  /** Pools of a file system that block groups are held of. */
  public synchronized List<Pool> pools(int fileSystem) {
    return allocators.keySet().stream().filter(pool -> pool.fileSystem() == fileSystem).toList();
  }

  /** The file system is being dropped: nothing of it is dealt out any more. */
  public synchronized void forget(int fileSystem) {
    allocators.keySet().removeIf(pool -> pool.fileSystem() == fileSystem);
    totals.keySet().removeIf(pool -> pool.fileSystem() == fileSystem);
    exhausted.removeIf(pool -> pool.fileSystem() == fileSystem);
    pools.keySet().removeIf(group -> group.fileSystem() == fileSystem);
    borrowed.removeIf(group -> group.fileSystem() == fileSystem);
    wantedBack.removeIf(pool -> pool.fileSystem() == fileSystem);
  }

  /**
   * Blocks are free whose bits are clear, in all of these ranges; those not held are passed over.
   */
  public synchronized void release(int fileSystem, Collection<BlockRange> ranges) {
    for (BlockRange range : ranges) {
      for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
        SpaceAllocator allocator = allocatorOf(fileSystem, part);
        if (allocator != null && !allocator.release(part)) {
          log.error("file system {}: blocks {} were free", fileSystem, part);
        }
      }
    }
  }

  /**
   * Gives back blocks that the rows did not take. Those that are in use there after all are never
   * dealt out in this term.
   */
  public void giveBackFree(int fileSystem, Collection<BlockRange> ranges, View rows) {
    SpaceRows space = new SpaceRows(rows, fileSystem);
    for (BlockRange range : ranges) {
      if (space.isFree(range)) {
        release(fileSystem, List.of(range));
      } else {
        log.error("file system {}: blocks {} are in use; they were dealt out", fileSystem, range);
      }
    }
  }

  @GuardedBy("this")
  private @Nullable SpaceAllocator allocatorOf(int fileSystem, BlockRange part) {
    Pool pool = pools.get(new GroupAddress(fileSystem, SpaceRows.groupOf(part.address())));
    return pool == null ? null : allocators.get(pool);
  }

  /** A block group is held, or has grown. */
  public synchronized void hold(Pool pool, long address, int blocks) {
    Pool known = pools.get(new GroupAddress(pool.fileSystem(), address));
    if (known == null) {
      add(pool, address, Bitmap.ofBits(blocks));
      return;
    }
    SpaceAllocator allocator = allocators.get(known);
    BlockGroupId id = groupAt(address);
    if (allocator != null && allocator.usage(id).blocks() < blocks) {
      totals.merge(known, (long) blocks - allocator.usage(id).blocks(), Long::sum);
      allocator.grow(id, blocks);
    }
  }

  /**
   * Blocks of the block group are going to be borrowed; all others of it are in use.
   *
   * @param blocks that it has; it may have grown
   */
  public synchronized void holdBorrowed(Pool pool, long address, int blocks) {
    GroupAddress group = new GroupAddress(pool.fileSystem(), address);
    BlockGroupId id = groupAt(address);
    SpaceAllocator known = pools.containsKey(group) ? allocators.get(pool) : null;
    int before = known == null ? 0 : known.usage(id).blocks();
    hold(pool, address, blocks);
    borrowed.add(group);
    SpaceAllocator allocator = allocators.get(pool);
    if (allocator != null
        && before < blocks
        && !allocator.take(id.range(before, blocks - before))) {
      throw new IllegalStateException("just now they were free");
    }
  }

  /** No block of it is borrowed any more. */
  public synchronized void forgetBorrowed(int fileSystem, long address) {
    GroupAddress group = new GroupAddress(fileSystem, address);
    Pool pool = pools.get(group);
    SpaceAllocator allocator = pool == null ? null : allocators.get(pool);
    if (pool != null && allocator != null && borrowed.remove(group)) {
      totals.merge(pool, (long) -allocator.usage(groupAt(address)).blocks(), Long::sum);
      allocator.drop(groupAt(address));
      pools.remove(group);
    }
  }

  /** Block groups without a block in use, by address; borrowed ones are not the group's to give. */
  public synchronized List<Long> empty(Pool pool) {
    SpaceAllocator allocator = allocators.get(pool);
    List<Long> empty = new ArrayList<>();
    if (allocator != null) {
      for (GroupUsage usage : allocator.usages()) {
        if (usage.isEmpty() && !usage.closed() && !isBorrowed(pool, usage)) {
          empty.add(usage.id().range(0, 1).address());
        }
      }
    }
    return empty;
  }

  /**
   * Deals out nothing more of a block group.
   *
   * @return false when a block of it is in use
   */
  public synchronized boolean close(Pool pool, long address) {
    SpaceAllocator allocator = allocators.get(pool);
    if (allocator == null
        || !pools.containsKey(new GroupAddress(pool.fileSystem(), address))
        || !allocator.usage(groupAt(address)).isEmpty()) {
      return false;
    }
    allocator.setClosed(groupAt(address), true);
    return true;
  }

  /** A block group that was closed is held no more, or else it is open again. */
  public synchronized void closed(int fileSystem, long address, boolean dropped) {
    GroupAddress group = new GroupAddress(fileSystem, address);
    Pool pool = pools.get(group);
    SpaceAllocator allocator = pool == null ? null : allocators.get(pool);
    if (pool == null || allocator == null) {
      return;
    }
    BlockGroupId id = groupAt(address);
    int blocks = allocator.usage(id).blocks();
    if (dropped && allocator.remove(id)) {
      pools.remove(group);
      totals.merge(pool, (long) -blocks, Long::sum);
    } else {
      allocator.setClosed(id, false);
    }
  }
}
