package io.curvefs.client.data;

import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.JournalMark;
import io.curvefs.proto.ReadReply;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Tells from a file which of the blocks that were sent to it are part of it, or have been. */
final class Settlement {
  private Settlement() {}

  /** The file as its metaserver has it now. */
  @FunctionalInterface
  interface Source {
    /** A chunk, if there is one, and the inode. */
    ReadReply ask(int chunk) throws RefusedException;
  }

  /**
   * How many of the blocks are committed, from the first on.
   *
   * @param blocks in the order of sending
   * @throws RefusedException ENOENT when the file is gone
   */
  static int committed(NamespaceClient namespace, InodeId inode, List<PendingBlock> blocks)
      throws RefusedException {
    int committed = committed(blocks, chunk -> namespace.meta().chunks(inode, chunk, 1));
    // Also when there is none: the file may be gone, and its length is news if some are.
    namespace.freshAttributes(inode);
    return committed;
  }

  /**
   * How many are committed: commits follow the order of the blocks, so one that is stands for all
   * before it. The file's mark of the block's journal says exactly whether it is. Where there is
   * none, because nothing of the journal is committed, four others have been since, or it is of an
   * older build, the block is looked for in its chunk: not found is then also one that was
   * truncated away since, or hidden and compacted away.
   */
  static int committed(List<PendingBlock> blocks, Source source) throws RefusedException {
    Map<Integer, List<Extent>> shown = new HashMap<>();
    Map<Long, Long> marks = new HashMap<>();
    int committed = 0;
    for (int i = 0; i < blocks.size(); i++) {
      PendingBlock block = blocks.get(i);
      if (!marks.containsKey(block.writer) && !shown.containsKey(block.chunk)) {
        ReadReply reply = source.ask(block.chunk);
        shown.put(block.chunk, extents(reply, block.chunk));
        for (JournalMark mark : reply.getInodes(0).getJournalMarksList()) {
          marks.put(mark.getWriter(), mark.getSequence());
        }
      }
      Long mark = marks.get(block.writer);
      boolean isCommitted =
          mark != null
              ? block.sequence <= mark
              : block.isReferredToBy(shown.getOrDefault(block.chunk, List.of()));
      if (isCommitted) {
        committed = i + 1;
      }
    }
    return committed;
  }

  /**
   * Those of the blocks that must not be committed under their names: they were sent, or others of
   * their slices were, which then may be garbage as a whole.
   *
   * @param blocks not committed
   */
  static List<PendingBlock> inDoubt(List<PendingBlock> blocks) {
    Set<Long> slices = new HashSet<>();
    for (PendingBlock block : blocks) {
      if (block.sent) {
        slices.add(block.id.slice());
      }
    }
    return blocks.stream().filter(block -> slices.contains(block.id.slice())).toList();
  }

  private static List<Extent> extents(ReadReply reply, int chunk) {
    for (IndexedChunk found : reply.getChunksList()) {
      if (found.getIndex() == chunk) {
        return found.getChunk().getExtentsList();
      }
    }
    return List.of();
  }
}
