package io.curvefs.metaserver.testing;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.supply.BlockGroupSource;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.ReleaseBlockGroups;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** A coordinator with one volume. What is asked is answered at once. */
public final class MemoryBlockGroups implements BlockGroupSource {
  public static final long FIRST = 1L << 48;
  public static final int GROUP_BLOCKS = 32_768;

  private final int groups;
  private final int blocks;

  /** What is given, by address; all to one raft group. */
  public final TreeMap<Long, BlockGroup> given = new TreeMap<>();

  private long number;

  /** How often block groups were asked for. */
  public int questions;

  /** Refuses everything while it is set. */
  public boolean silent;

  /**
   * @param blocks of each group; at most 32,768
   */
  public MemoryBlockGroups(int groups, int blocks) {
    this.groups = groups;
    this.blocks = blocks;
  }

  private static <T> CompletableFuture<T> noAnswer() {
    return CompletableFuture.failedFuture(new RefusedException(Refusal.UNREACHABLE, "silent"));
  }

  @Override
  public synchronized CompletableFuture<List<BlockGroup>> assign(AssignBlockGroups assign) {
    questions++;
    if (silent) {
      return noAnswer();
    }
    List<BlockGroup> answer = new ArrayList<>();
    for (long again : assign.getAgainList()) {
      if (given.containsKey(again)) {
        answer.add(give(again, assign.getPoolSet()));
      }
    }
    int more = assign.getCount();
    for (int i = 0; i < groups && more > 0; i++) {
      long address = FIRST + (long) i * GROUP_BLOCKS;
      if (!given.containsKey(address)) {
        answer.add(give(address, assign.getPoolSet()));
        more--;
      }
    }
    return CompletableFuture.completedFuture(answer);
  }

  private BlockGroup give(long address, String poolSet) {
    BlockGroup group =
        BlockGroup.newBuilder()
            .setAddress(address)
            .setBlocks(blocks)
            .setPoolSet(poolSet)
            .setGiven(++number)
            .build();
    given.put(address, group);
    return group;
  }

  @Override
  public synchronized CompletableFuture<Void> release(ReleaseBlockGroups release) {
    if (silent) {
      return noAnswer();
    }
    for (long address : release.getAddressesList()) {
      BlockGroup group = given.get(address);
      if (group != null && group.getGiven() <= release.getGivenMax()) {
        given.remove(address);
      }
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public synchronized CompletableFuture<List<BlockGroup>> list(ListBlockGroupsRequest list) {
    return silent ? noAnswer() : CompletableFuture.completedFuture(new ArrayList<>(given.values()));
  }
}
