package io.curvefs.client.staging;

import io.curvefs.cache.BlockId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What records come to, one after the other: the blocks that are still to be committed. Pure; one
 * thread at a time.
 */
final class JournalState {
  /** A block, and where its bytes are. */
  record Stored(StagedBlock block, long segment, long contentAt, int contentChecksum) {
    Stored with(StagedBlock changed) {
      return new Stored(changed, segment, contentAt, contentChecksum);
    }
  }

  private final NavigableMap<Long, Stored> live = new TreeMap<>();
  private final Map<InodeId, NavigableMap<Long, Stored>> byInode = new HashMap<>();
  private final Map<BlockId, Long> byId = new HashMap<>();
  private final Map<Long, Integer> liveBySegment = new HashMap<>();
  private long bytes;
  private long extents;

  void add(Stored stored) {
    put(stored);
    extents += stored.block().extents().size();
    bytes += stored.block().id().length();
    liveBySegment.merge(stored.segment(), 1, Integer::sum);
  }

  private void put(Stored stored) {
    StagedBlock block = stored.block();
    live.put(block.sequence(), stored);
    byInode.computeIfAbsent(block.inode(), i -> new TreeMap<>()).put(block.sequence(), stored);
    byId.put(block.id(), block.sequence());
  }

  /** The inode's blocks up to this one are not needed any more. */
  void done(InodeId inode, long upTo) {
    NavigableMap<Long, Stored> blocks = byInode.get(inode);
    if (blocks == null) {
      return;
    }
    NavigableMap<Long, Stored> finished = blocks.headMap(upTo, true);
    for (Stored stored : finished.values()) {
      live.remove(stored.block().sequence());
      byId.remove(stored.block().id());
      bytes -= stored.block().id().length();
      extents -= stored.block().extents().size();
      liveBySegment.computeIfPresent(
          stored.segment(), (segment, count) -> count == 1 ? null : count - 1);
    }
    finished.clear();
    if (blocks.isEmpty()) {
      byInode.remove(inode);
    }
  }

  /** The inode's blocks up to this one give the file this modification time. */
  void times(InodeId inode, long upTo, Timestamp mtime) {
    NavigableMap<Long, Stored> blocks = byInode.get(inode);
    if (blocks != null) {
      for (Stored stored : List.copyOf(blocks.headMap(upTo, true).values())) {
        put(stored.with(stored.block().withMtime(mtime)));
      }
    }
  }

  /** Gives a block another name; there are as many extents as before. */
  void rename(long sequence, BlockId id, List<Extent> extents) {
    Stored stored = live.get(sequence);
    if (stored != null) {
      byId.remove(stored.block().id());
      put(stored.with(stored.block().named(id, extents)));
    }
  }

  @Nullable Stored find(BlockId id) {
    Long sequence = byId.get(id);
    return sequence == null ? null : live.get(sequence);
  }

  /** All blocks, oldest first. */
  List<StagedBlock> blocks() {
    Collection<Stored> all = live.values();
    List<StagedBlock> blocks = new ArrayList<>(all.size());
    all.forEach(stored -> blocks.add(stored.block()));
    return blocks;
  }

  @Nullable StagedBlock oldest() {
    return live.isEmpty() ? null : live.firstEntry().getValue().block();
  }

  int liveIn(long segment) {
    return liveBySegment.getOrDefault(segment, 0);
  }

  boolean isEmpty() {
    return live.isEmpty();
  }

  int count() {
    return live.size();
  }

  /** Of all blocks. */
  long extents() {
    return extents;
  }

  int files() {
    return byInode.size();
  }

  /** Content of all blocks. */
  long bytes() {
    return bytes;
  }
}
