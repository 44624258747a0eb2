package io.curvefs.metaserver.supply;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.store.Keys;

/** Whether blocks of deleted data come free soon. */
public final class RestingSpace {
  /** Of those that are looked at: this is asked while the volumes are full. */
  private static final int ORPHANS_MAX = 1000;

  private RestingSpace() {}

  /** Whether some do in this raft group. */
  public static boolean isThere(DataGroup group, Leadership leadership, Pool pool) {
    return new SpaceRows(group.rows(), pool.fileSystem())
            .heldBlockGroups().stream()
                .anyMatch(
                    held ->
                        held.group().getQuarantined() > 0
                            && held.group().getPoolSet().equals(pool.poolSet()))
        || !group.rows().scan(Keys.garbage(pool.fileSystem()), null, 1).isEmpty()
        || isOrphanEnding(group, leadership, pool.fileSystem());
  }

  /** Whether some file without a name is held open by nobody any more. */
  private static boolean isOrphanEnding(DataGroup group, Leadership leadership, int fileSystem) {
    return group.rows().scan(Keys.orphans(), null, ORPHANS_MAX).stream()
        .filter(orphan -> Keys.fileSystemOf(orphan.key()) == fileSystem)
        .map(orphan -> new InodeId(Keys.inodeOf(orphan.key())))
        .anyMatch(inode -> !leadership.opens().mayBeOpen(new OpenTable.File(fileSystem, inode)));
  }
}
