package io.curvefs.client.data;

import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.IndexedChunk;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Tells from a file which of the blocks that were sent to it are part of it. */
final class Settlement {
  private Settlement() {}

  /**
   * How many of the blocks are committed, from the first on: commits follow the order of the
   * blocks, so one that is found stands for all before it. One that was committed and then wholly
   * hidden and compacted away counts as not committed.
   *
   * @param blocks in the order of sending
   * @throws RefusedException ENOENT when the file is gone
   */
  static int committed(NamespaceClient namespace, InodeId inode, List<PendingBlock> blocks)
      throws RefusedException {
    Map<Integer, List<Extent>> known = new HashMap<>();
    int committed = 0;
    for (int i = 0; i < blocks.size(); i++) {
      PendingBlock block = blocks.get(i);
      List<Extent> extents = known.get(block.chunk);
      if (extents == null) {
        extents = extents(namespace, inode, block.chunk);
        known.put(block.chunk, extents);
      }
      if (block.isReferredToBy(extents)) {
        committed = i + 1;
      }
    }
    // Also when there is none: the file may be gone, and its length is news if some are.
    namespace.freshAttributes(inode);
    return committed;
  }

  /**
   * Those of the blocks that must not be committed under their names: they were sent, or others of
   * their slices were, which then may be garbage as a whole.
   *
   * @param blocks not found in the file
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

  private static List<Extent> extents(NamespaceClient namespace, InodeId inode, int chunk)
      throws RefusedException {
    for (IndexedChunk found : namespace.meta().chunks(inode, chunk, 1).getChunksList()) {
      if (found.getIndex() == chunk) {
        return found.getChunk().getExtentsList();
      }
    }
    return List.of();
  }
}
