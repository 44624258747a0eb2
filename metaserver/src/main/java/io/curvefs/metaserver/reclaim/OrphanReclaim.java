package io.curvefs.metaserver.reclaim;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
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

/**
 * Ends unlinked files once nobody holds them open: no client can open them anew. Goes round the
 * orphans of each group, so that those which are held open for long hide no others. One thread.
 */
final class OrphanReclaim {
  private static final int ORPHANS_PER_STEP = 1000;

  /** By group, the last orphan that was looked at; absent: begin with the first. */
  private final Map<GroupId, byte[]> seen = new HashMap<>();

  /**
   * Looks at some orphans of a group and ends those that nobody holds open.
   *
   * @return whether there are more before the round ends
   */
  boolean reclaim(DataGroup group, Leadership leadership) throws RefusedException {
    List<Row> orphans = group.rows().scan(Keys.orphans(), seen.get(group.id()), ORPHANS_PER_STEP);
    boolean more = orphans.size() == ORPHANS_PER_STEP;
    if (more) {
      seen.put(group.id(), orphans.get(orphans.size() - 1).key());
    } else {
      seen.remove(group.id());
    }
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
    return more;
  }
}
