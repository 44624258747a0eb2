package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.BlockRanges;
import io.curvefs.metaserver.space.Want;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Reserve;
import io.curvefs.proto.ReserveBlocks;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.space.BlockRange;
import java.util.List;
import java.util.stream.Stream;

/**
 * Blocks for bytes that a client is going to write: what write(2) needs on a volume. Or for bytes
 * that a file has and that are to be moved: then nobody may have it open, and fewer ranges are the
 * point of it.
 */
final class ReserveOperation {
  /** 1 GiB. */
  private static final int BLOCKS_MAX = 1 << 18;

  private static final int RANGES_MAX = 1024;

  private ReserveOperation() {}

  static Plan plan(Reserve reserve, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    VolumeStorage volumes = Checks.volumes(surroundings);
    InodeId id = Checks.id(reserve.getInode());
    Inode file = Checks.fileOnVolumes(surroundings, id);
    if (reserve.getMoving()) {
      Checks.closed(surroundings, id);
    }
    String poolSet =
        Stream.of(reserve.getPoolSet(), file.getPoolSet(), volumes.getPoolSet())
            .filter(name -> !name.isEmpty())
            .findFirst()
            .orElse("");
    if (volumes.getVolumesList().stream()
        .noneMatch(volume -> volume.getPoolSet().equals(poolSet))) {
      throw new RefusedException(Refusal.ENOSPC, "no volume is of the pool set '" + poolSet + "'");
    }
    List<BlockRange> taken = surroundings.takeBlocks(poolSet, want(reserve));
    ReserveBlocks.Builder effect = ReserveBlocks.newBuilder();
    taken.forEach(range -> effect.addRanges(BlockRanges.message(range)));
    return Plan.builder().step(Plan.HERE, Effect.newBuilder().setReserveBlocks(effect)).build();
  }

  private static Want want(Reserve reserve) throws RefusedException {
    if (reserve.getBlocksMin() <= 0
        || reserve.getBlocks() < reserve.getBlocksMin()
        || reserve.getBlocks() > BLOCKS_MAX
        || reserve.getRangesMax() < 0) {
      throw new RefusedException(
          Refusal.BAD_REQUEST, "1 to " + BLOCKS_MAX + " blocks at once, no less than needed");
    }
    if (reserve.getBehind() != 0) {
      Checks.blocks(reserve.getBehind(), 1);
    }
    int ranges = reserve.getRangesMax() == 0 ? RANGES_MAX : reserve.getRangesMax();
    return new Want(
        reserve.getBlocks(),
        reserve.getBlocksMin(),
        reserve.getBehind(),
        Math.min(ranges, RANGES_MAX),
        reserve.getMoving());
  }
}
