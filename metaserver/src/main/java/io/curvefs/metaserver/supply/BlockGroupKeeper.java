package io.curvefs.metaserver.supply;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.FreeSpace;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.DropBlockGroups;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.ReleaseBlockGroups;
import io.curvefs.space.VolumeLayout;
import io.curvefs.time.WallClock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what a raft group holds and what the coordinator has given to it the same, and gives back
 * what is not needed: first the group drops a block group, then the coordinator hears of it. Who
 * dies in between leaves one that is given but not held; the next leader takes it again, under a
 * new number, so that what the dead one has sent finds it no more. Never blocks. Called by one
 * thread.
 */
public final class BlockGroupKeeper {
  private static final Logger log = LoggerFactory.getLogger(BlockGroupKeeper.class);

  /** Block groups in one request. */
  private static final int GROUPS_MAX = 1000;

  /** So many free blocks stay when empty block groups go: more than is asked for ahead of need. */
  static final int FREE_BLOCKS_KEPT = VolumeLayout.GROUP_BLOCKS;

  private final BlockGroupSource source;

  private record Line(GroupId group, Pool pool) {}

  /** Block groups that were empty in the last round already. */
  private final Map<Line, Set<Long>> emptyBefore = new HashMap<>();

  public BlockGroupKeeper(BlockGroupSource source) {
    this.source = source;
  }

  /**
   * Holds what the coordinator has given to the group and the group does not know, or not as large.
   */
  public CompletableFuture<@Nullable Void> reconcile(
      DataGroup group, Leadership leadership, int fileSystem) {
    return source
        .list(
            ListBlockGroupsRequest.newBuilder()
                .setFileSystem(fileSystem)
                .setGroup(group.id().value())
                .build())
        .thenCompose(given -> hold(group, leadership, fileSystem, given));
  }

  private CompletableFuture<@Nullable Void> hold(
      DataGroup group, Leadership leadership, int fileSystem, List<BlockGroup> given) {
    SpaceRows space = new SpaceRows(group.rows(), fileSystem);
    List<BlockGroup> grown = new ArrayList<>();
    Map<String, List<Long>> unknown = new HashMap<>();
    for (BlockGroup one : given) {
      HeldBlockGroup held = space.heldBlockGroup(one.getAddress());
      if (held == null) {
        List<Long> some = unknown.computeIfAbsent(one.getPoolSet(), poolSet -> new ArrayList<>());
        if (some.size() < GROUPS_MAX) {
          some.add(one.getAddress());
        }
      } else if (held.getBlocks() < one.getBlocks()) {
        grown.add(one);
      }
    }
    List<CompletableFuture<?>> all = new ArrayList<>();
    all.add(SpaceSupply.hold(group, leadership, fileSystem, grown));
    unknown.forEach(
        (poolSet, addresses) -> {
          log.info("group {}: takes {} block groups again", group.id(), addresses.size());
          all.add(
              source
                  .assign(
                      AssignBlockGroups.newBuilder()
                          .setFileSystem(fileSystem)
                          .setGroup(group.id().value())
                          .setPoolSet(poolSet)
                          .addAllAgain(addresses)
                          .build())
                  .thenCompose(again -> SpaceSupply.hold(group, leadership, fileSystem, again)));
        });
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).thenApply(done -> null);
  }

  /**
   * Gives back block groups that are empty, and were so when this was called last; some free blocks
   * stay.
   */
  public CompletableFuture<@Nullable Void> giveBack(
      DataGroup group, Leadership leadership, int fileSystem) {
    FreeSpace space = leadership.space();
    SpaceRows rows = new SpaceRows(group.rows(), fileSystem);
    Map<Long, HeldBlockGroup> going = new HashMap<>();
    for (Pool pool : space.pools(fileSystem)) {
      List<Long> now = space.empty(pool);
      Set<Long> last = emptyBefore.put(new Line(group.id(), pool), new HashSet<>(now));
      Set<Long> before = last == null ? Set.of() : last;
      for (int i = now.size() - 1; i >= 0 && going.size() < GROUPS_MAX; i--) {
        long address = now.get(i);
        HeldBlockGroup held = before.contains(address) ? rows.heldBlockGroup(address) : null;
        if (held != null
            && held.getUsed() == 0
            && space.free(pool) - held.getBlocks() >= FREE_BLOCKS_KEPT
            && space.close(pool, address)) {
          going.put(address, held);
        }
      }
    }
    if (going.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    LogEntry drop =
        LogEntry.newBuilder()
            .setTime(WallClock.SYSTEM.now())
            .setDropBlockGroups(
                DropBlockGroups.newBuilder()
                    .setFileSystem(fileSystem)
                    .addAllAddresses(going.keySet()))
            .build();
    return group
        .propose(leadership, drop)
        .thenCompose(dropped -> release(group, fileSystem, going));
  }

  private CompletableFuture<@Nullable Void> release(
      DataGroup group, int fileSystem, Map<Long, HeldBlockGroup> going) {
    SpaceRows rows = new SpaceRows(group.rows(), fileSystem);
    ReleaseBlockGroups.Builder release =
        ReleaseBlockGroups.newBuilder().setFileSystem(fileSystem).setGroup(group.id().value());
    going.forEach(
        (address, held) -> {
          if (rows.heldBlockGroup(address) == null) {
            release.addAddresses(address);
            release.setGivenMax(Math.max(release.getGivenMax(), held.getGiven()));
          }
        });
    if (release.getAddressesCount() == 0) {
      return CompletableFuture.completedFuture(null);
    }
    log.info("group {}: gives back {} block groups", group.id(), release.getAddressesCount());
    return source.release(release.build());
  }
}
