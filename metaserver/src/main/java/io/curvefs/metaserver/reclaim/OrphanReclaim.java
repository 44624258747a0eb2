package io.curvefs.metaserver.reclaim;

import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.ReclaimOrphans;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Ends unlinked files once nobody holds them open: no client can open them anew. */
final class OrphanReclaim {
  private static final int ORPHANS_PER_ROUND = 1000;

  private OrphanReclaim() {}

  /**
   * Ends some orphans of a group.
   *
   * @return whether there may be more
   */
  static boolean reclaim(DataGroup group, Leadership leadership) throws RefusedException {
    List<Row> orphans = group.rows().scan(Keys.orphans(), null, ORPHANS_PER_ROUND);
    Map<Integer, ReclaimOrphans.Builder> ending = new HashMap<>();
    for (Row row : orphans) {
      int fileSystem = Keys.fileSystemOf(row.key());
      InodeId inode = new InodeId(Keys.inodeOf(row.key()));
      if (!leadership.opens().mayBeOpen(new OpenTable.File(fileSystem, inode))) {
        ending
            .computeIfAbsent(fileSystem, f -> ReclaimOrphans.newBuilder().setFileSystem(f))
            .addInodes(inode.value());
      }
    }
    for (ReclaimOrphans.Builder some : ending.values()) {
      Proposals.propose(group, leadership, LogEntry.newBuilder().setReclaimOrphans(some));
    }
    return !ending.isEmpty() && orphans.size() == ORPHANS_PER_ROUND;
  }
}
