package io.curvefs.metaserver.service;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.store.Keys;

/** Why there are no blocks, and whether there will be some soon. */
final class SpaceLack {
  /** So many files without a name are looked at. */
  private static final int ORPHANS_MAX = 1000;

  private SpaceLack() {}

  static RefusedException refusal(DataGroup group, Leadership leadership, Pool pool) {
    boolean rests =
        new SpaceRows(group.rows(), pool.fileSystem())
                .heldBlockGroups().stream()
                    .anyMatch(
                        held ->
                            held.group().getQuarantined() > 0
                                && held.group().getPoolSet().equals(pool.poolSet()))
            || !group.rows().scan(Keys.garbage(pool.fileSystem()), null, 1).isEmpty()
            || isAboutToDelete(group, leadership, pool.fileSystem());
    return rests
        ? new RefusedException(Refusal.SPACE_RESTS, "blocks of deleted data come free soon")
        : new RefusedException(
            Refusal.ENOSPC, "no space left on the volumes of pool set '" + pool.poolSet() + "'");
  }

  /** Whether a file without a name was closed by all who had it open. */
  private static boolean isAboutToDelete(DataGroup group, Leadership leadership, int fileSystem) {
    return group.rows().scan(Keys.orphans(), null, ORPHANS_MAX).stream()
        .filter(row -> Keys.fileSystemOf(row.key()) == fileSystem)
        .map(row -> new OpenTable.File(fileSystem, new InodeId(Keys.inodeOf(row.key()))))
        .anyMatch(file -> !leadership.opens().mayBeOpen(file));
  }
}
