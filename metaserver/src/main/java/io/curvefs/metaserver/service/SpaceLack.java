package io.curvefs.metaserver.service;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.store.Keys;

/** Why there are no blocks, and whether there will be some soon. */
final class SpaceLack {
  private SpaceLack() {}

  static RefusedException refusal(DataGroup group, Pool pool) {
    boolean rests =
        new SpaceRows(group.rows(), pool.fileSystem())
                .heldBlockGroups().stream()
                    .anyMatch(
                        held ->
                            held.group().getQuarantined() > 0
                                && held.group().getPoolSet().equals(pool.poolSet()))
            || !group.rows().scan(Keys.garbage(pool.fileSystem()), null, 1).isEmpty();
    return rests
        ? new RefusedException(Refusal.SPACE_RESTS, "blocks of deleted data come free soon")
        : new RefusedException(
            Refusal.ENOSPC, "no space left on the volumes of pool set '" + pool.poolSet() + "'");
  }
}
