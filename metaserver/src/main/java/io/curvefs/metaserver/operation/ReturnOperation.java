package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.BlockRange;
import io.curvefs.proto.Effect;
import io.curvefs.proto.ReturnBlocks;

/** Reserved blocks that a client will not write to, after all. */
final class ReturnOperation {
  private static final int RANGES_MAX = 65_536;

  private ReturnOperation() {}

  static Plan plan(ReturnBlocks giveBack, Surroundings surroundings) throws RefusedException {
    Checks.volumes(surroundings);
    if (giveBack.getRangesCount() > RANGES_MAX) {
      throw new RefusedException(Refusal.BAD_REQUEST, "more than " + RANGES_MAX + " ranges");
    }
    for (BlockRange range : giveBack.getRangesList()) {
      Checks.blocks(range.getAddress(), range.getCount());
    }
    return Plan.builder().step(Plan.HERE, Effect.newBuilder().setReturnBlocks(giveBack)).build();
  }
}
