package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Effect;
import io.curvefs.proto.PunchHole;
import io.curvefs.slice.Layout;
import io.curvefs.space.VolumeLayout;

/** The whole blocks of fallocate(2) with FALLOC_FL_PUNCH_HOLE; the rest is for the client. */
final class PunchHoleOperation {
  private static final long BLOCKS_MAX = Layout.FILE_BYTES_MAX / VolumeLayout.BLOCK_BYTES;

  private PunchHoleOperation() {}

  static Plan plan(PunchHole punch, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    InodeId id = Checks.id(punch.getInode());
    Checks.fileOnVolumes(surroundings, id);
    if (punch.getFirstBlock() < 0
        || punch.getCount() <= 0
        || punch.getFirstBlock() >= BLOCKS_MAX
        || punch.getCount() > BLOCKS_MAX - punch.getFirstBlock()) {
      throw new RefusedException(Refusal.EINVAL);
    }
    return Plan.builder().step(id, Effect.newBuilder().setPunchHole(punch)).reply(id, null).build();
  }
}
