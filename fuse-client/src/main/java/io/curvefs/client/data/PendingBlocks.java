package io.curvefs.client.data;

import io.curvefs.cache.BlockId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Extent;
import io.curvefs.proto.StagedBlocks;
import io.curvefs.proto.Timestamp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of one file that are sent but not committed, in the order of sending. Those in the journal
 * come first: behind one that goes through from memory none goes to the journal, so that what a
 * failure loses is an end of the queue. The file's lock guards it.
 */
final class PendingBlocks {
  /** Of extents in one commit: far below what a metaserver takes as one request. */
  private static final long COMMIT_BYTES_MAX = 8 << 20;

  private final Deque<PendingBlock> queue = new ArrayDeque<>();

  boolean isEmpty() {
    return queue.isEmpty();
  }

  void add(PendingBlock block) {
    queue.add(block);
  }

  boolean contains(PendingBlock block) {
    return queue.contains(block);
  }

  List<PendingBlock> all() {
    return List.copyOf(queue);
  }

  void removeAll(Collection<PendingBlock> blocks) {
    Set<PendingBlock> gone = new HashSet<>(blocks);
    queue.removeIf(gone::contains);
  }

  /** Puts others into the places of some, or nothing where there is no other. */
  void replace(Map<PendingBlock, @Nullable PendingBlock> replacements) {
    List<PendingBlock> next = new ArrayList<>(queue.size());
    for (PendingBlock block : queue) {
      if (!replacements.containsKey(block)) {
        next.add(block);
      } else {
        PendingBlock other = replacements.get(block);
        if (other != null) {
          next.add(other);
        }
      }
    }
    queue.clear();
    queue.addAll(next);
  }

  /** Whether the next one may go to the journal. */
  boolean mayGoOnInJournal() {
    return !hasGoingThrough();
  }

  /** Whether some go through from memory to the object store. */
  boolean hasGoingThrough() {
    for (PendingBlock block : queue) {
      if (!block.isInJournal()) {
        return true;
      }
    }
    return false;
  }

  /** Whether some are on their way into the journal. */
  boolean hasUnsafe() {
    for (PendingBlock block : queue) {
      if (block.isInJournal() && !block.staged) {
        return true;
      }
    }
    return false;
  }

  boolean hasNoneInJournalBefore(long sequence) {
    for (PendingBlock block : queue) {
      if (block.isInJournal() && block.sequence < sequence) {
        return false;
      }
    }
    return true;
  }

  /** Sequence number of the last one in the journal; 0: none is. */
  long lastInJournal() {
    long last = 0;
    for (PendingBlock block : queue) {
      last = Math.max(last, block.sequence);
    }
    return last;
  }

  /** Drops the end of the queue that is not in the journal. */
  void dropGoingThrough() {
    List<PendingBlock> kept = new ArrayList<>();
    for (PendingBlock block : queue) {
      if (!block.isInJournal()) {
        break;
      }
      kept.add(block);
    }
    queue.clear();
    queue.addAll(kept);
  }

  /** How many at the head are uploaded. */
  int uploadedPrefix() {
    int count = 0;
    for (PendingBlock block : queue) {
      if (!block.uploaded) {
        break;
      }
      count++;
    }
    return count;
  }

  /**
   * What one commit may take: uploaded ones at the head, all from the journal or none, as many as
   * one request has room for.
   */
  List<PendingBlock> committable() {
    List<PendingBlock> blocks = new ArrayList<>();
    long bytes = 0;
    for (PendingBlock block : queue) {
      bytes += block.commitBytes();
      boolean first = blocks.isEmpty();
      boolean alike = first || blocks.get(0).isInJournal() == block.isInJournal();
      if (!block.uploaded || !alike || (!first && bytes > COMMIT_BYTES_MAX)) {
        break;
      }
      blocks.add(block);
    }
    return blocks;
  }

  /** Whether the oldest waits for its turn to be uploaded from the journal. */
  boolean waitsForItsTurn() {
    PendingBlock first = queue.peekFirst();
    return first != null && first.isInJournal() && !first.uploaded && !first.uploadFailed;
  }

  /** Whether something in the journal is waiting at the head, and nothing behind it will come. */
  boolean isWhollyUploadedFromJournal() {
    return !queue.isEmpty() && queue.getFirst().isInJournal() && uploadedPrefix() == queue.size();
  }

  List<Extent> extents(int chunk) {
    List<Extent> extents = new ArrayList<>();
    for (PendingBlock block : queue) {
      if (block.chunk == chunk) {
        extents.addAll(block.extents);
      }
    }
    return extents;
  }

  @Nullable PendingBlock find(BlockId id) {
    for (PendingBlock block : queue) {
      if (block.id.equals(id)) {
        return block;
      }
    }
    return null;
  }

  /** Where the bytes of all of them end in the file; 0: there are none. */
  long end() {
    long end = 0;
    for (PendingBlock block : queue) {
      end = Math.max(end, block.fileEnd);
    }
    return end;
  }

  void setTimes(Timestamp mtime) {
    queue.forEach(block -> block.mtime = mtime);
  }

  /**
   * @param blocks not empty
   */
  static CommitExtents.Builder commit(InodeId inode, List<PendingBlock> blocks) {
    TreeMap<Integer, ChunkExtents.Builder> byChunk = new TreeMap<>();
    long end = 0;
    for (PendingBlock block : blocks) {
      ChunkExtents.Builder chunk =
          byChunk.computeIfAbsent(block.chunk, index -> ChunkExtents.newBuilder().setIndex(index));
      block.extents.forEach(chunk::addExtents);
      end = Math.max(end, block.fileEnd);
    }
    PendingBlock last = blocks.get(blocks.size() - 1);
    CommitExtents.Builder commit =
        CommitExtents.newBuilder().setInode(inode.value()).setLength(end).setMtime(last.mtime);
    if (last.isInJournal()) {
      commit.setChanged(last.changed); // it was acknowledged then: programs must not see it change
    }
    byChunk.values().forEach(commit::addChunks);
    return commit.addAllStaged(staged(blocks));
  }

  /** What of which journal is done when these are; the oldest journal comes first. */
  static List<StagedBlocks> staged(List<PendingBlock> blocks) {
    Map<Long, StagedBlocks.Builder> byWriter = new LinkedHashMap<>();
    for (PendingBlock block : blocks) {
      if (block.writer != 0 && block.mark != 0) {
        byWriter
            .computeIfAbsent(
                block.writer,
                writer -> StagedBlocks.newBuilder().setWriter(writer).setFirst(block.sequence))
            .setLast(block.mark);
      }
    }
    return byWriter.values().stream().map(StagedBlocks.Builder::build).toList();
  }
}
