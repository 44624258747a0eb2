package io.curvefs.client.volume;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Committed blocks of one file that were written to since its last commit. Another mount may have
 * freed some meanwhile: what was written to these is lost. Guarded by the file's order.
 */
final class Overwritten {
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;

  private final InodeId inode;
  private final BlockMap committed;
  private final Runs runs = new Runs();

  /** The version of the file that the first were found in; null: there are none. */
  private BlockMap.@Nullable Version foundIn;

  Overwritten(InodeId inode, BlockMap committed) {
    this.inode = inode;
    this.committed = committed;
  }

  void add(List<Run> more, BlockMap.Version in) {
    more.forEach(runs::put);
    if (foundIn == null && !runs.isEmpty()) {
      foundIn = in;
    }
  }

  boolean covers(long block) {
    return !runs.within(block, block + 1).get(0).isHole();
  }

  void clear() {
    runs.clear();
    foundIn = null;
  }

  /**
   * Whether all of them are the file's in a version, too.
   *
   * @return false: look at the next version
   * @throws RefusedException EIO when another mount has freed some
   */
  boolean isStillOurs(BlockMap.Version now) throws IOException {
    BlockMap.Version then = foundIn;
    if (then == null || then.dataVersion() == now.dataVersion()) {
      return true;
    }
    boolean exposed =
        now.length() < then.length() && now.length() % BLOCK != 0 && covers(now.length() / BLOCK);
    for (Run run : runs.all()) {
      BlockMap.Located located = committed.locate(run.fileBlock(), run.end());
      if (!located.of().equals(now)) {
        return false;
      }
      Runs found = new Runs();
      located.runs().stream().filter(part -> !part.isHole()).forEach(found::put);
      if (exposed || !found.all().equals(List.of(run))) {
        throw new RefusedException(
            Refusal.EIO,
            "inode " + inode + " was truncated or replaced elsewhere while it was written here");
      }
    }
    return true;
  }
}
