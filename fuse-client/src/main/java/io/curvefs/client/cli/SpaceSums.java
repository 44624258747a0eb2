package io.curvefs.client.cli;

import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.proto.Volume;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.VolumeNumber;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How much of a pool set is used. All in blocks. What nobody uses is free, whether or not it is in
 * a block group that a raft group holds.
 *
 * @param total of all its volumes
 * @param used by files
 * @param reserved for what is being written
 * @param quarantined freed, and not to be used again yet
 * @param notGiven in no raft group's hands
 * @param largestFree that one extent can have
 * @param onTheWay free ones between two raft groups: lent by one, and not in the other's hands
 */
record SpaceSums(
    String poolSet,
    long total,
    long used,
    long reserved,
    long quarantined,
    long notGiven,
    long largestFree,
    long onTheWay) {

  long free() {
    return Math.max(0, total - used - reserved - quarantined);
  }

  /**
   * A line for each pool set.
   *
   * @param given block groups that the coordinator has given out
   * @param held what the data groups say
   */
  static List<SpaceSums> of(
      List<Volume> volumes, Collection<BlockGroup> given, Collection<SpaceUsage> held) {
    Map<String, Long> total = new TreeMap<>();
    volumes.forEach(volume -> total.merge(volume.getPoolSet(), volume.getBlocks(), Long::sum));
    List<SpaceSums> sums = new ArrayList<>();
    total.forEach(
        (poolSet, blocks) -> {
          List<SpaceUsage> here =
              held.stream().filter(usage -> usage.getPoolSet().equals(poolSet)).toList();
          long givenBlocks =
              given.stream()
                  .filter(block -> block.getPoolSet().equals(poolSet))
                  .mapToLong(BlockGroup::getBlocks)
                  .sum();
          long largest = here.stream().mapToLong(SpaceUsage::getLargestFree).max().orElse(0);
          sums.add(
              new SpaceSums(
                  poolSet,
                  blocks,
                  here.stream().mapToLong(SpaceUsage::getUsed).sum(),
                  here.stream().mapToLong(SpaceUsage::getReserved).sum(),
                  here.stream().mapToLong(SpaceUsage::getQuarantined).sum(),
                  Math.max(0, blocks - givenBlocks),
                  Math.max(largest, largestNotGiven(poolSet, volumes, given)),
                  here.stream().mapToLong(usage -> usage.getLent() - usage.getBorrowed()).sum()));
        });
    return sums;
  }

  private static long largestNotGiven(
      String poolSet, List<Volume> volumes, Collection<BlockGroup> given) {
    Set<Long> taken = given.stream().map(BlockGroup::getAddress).collect(Collectors.toSet());
    long largest = 0;
    for (Volume volume : volumes) {
      if (!volume.getPoolSet().equals(poolSet)) {
        continue;
      }
      for (long first = 0; first < volume.getBlocks(); first += VolumeLayout.GROUP_BLOCKS) {
        if (!taken.contains(address(volume, first))) {
          largest =
              Math.max(largest, Math.min(VolumeLayout.GROUP_BLOCKS, volume.getBlocks() - first));
        }
        if (largest == VolumeLayout.GROUP_BLOCKS) {
          return largest;
        }
      }
    }
    return largest;
  }

  static long address(Volume volume, long block) {
    return BlockRange.of(new VolumeNumber(volume.getNumber()), block, 1).address();
  }

  static double bytes(long blocks) {
    return (double) blocks * VolumeLayout.BLOCK_BYTES;
  }

  /** In bytes, for scripts. */
  Map<String, Object> described() {
    Map<String, Object> described = new LinkedHashMap<>();
    described.put("pool_set", poolSet);
    described.put("total_bytes", total * VolumeLayout.BLOCK_BYTES);
    described.put("used_bytes", used * VolumeLayout.BLOCK_BYTES);
    described.put("reserved_bytes", reserved * VolumeLayout.BLOCK_BYTES);
    described.put("quarantined_bytes", quarantined * VolumeLayout.BLOCK_BYTES);
    described.put("free_bytes", free() * VolumeLayout.BLOCK_BYTES);
    described.put("not_given_bytes", notGiven * VolumeLayout.BLOCK_BYTES);
    described.put("largest_free_bytes", largestFree * VolumeLayout.BLOCK_BYTES);
    described.put("between_raft_groups_bytes", onTheWay * VolumeLayout.BLOCK_BYTES);
    return described;
  }
}
