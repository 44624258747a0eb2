package io.curvefs.metaserver.coordinator;

import static io.curvefs.metaserver.coordinator.CoordinatorReplica.done;
import static io.curvefs.metaserver.coordinator.CoordinatorReplica.nextEpoch;
import static io.curvefs.metaserver.coordinator.CoordinatorReplica.outcome;

import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.AssignedBlockGroup;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.PutVolumes;
import io.curvefs.proto.ReleaseBlockGroups;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeAllotment;
import io.curvefs.proto.VolumeStorage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the state machine of group 0 does to volumes, and to the block groups that raft groups hold
 * of them. A block group belongs to one raft group at most: there is one row for it.
 */
final class VolumeChanges {
  /** Block groups in one change. */
  static final int BLOCK_GROUPS_MAX = 1024;

  /** Block groups that one change looks at to find a free one. */
  static final int LOOKED_AT_MAX = 1 << 16;

  /** Rows that one change removes. */
  static final int REMOVED_MAX = 10_000;

  private static final int GROWN_MAX = 1_000_000;

  private VolumeChanges() {}

  static CoordinatorOutcome badVolumes(String problem) {
    return CoordinatorOutcome.newBuilder()
        .setKind(CoordinatorOutcome.Kind.BAD_VOLUMES)
        .setDetail(problem)
        .build();
  }

  static CoordinatorOutcome put(PutVolumes put, CoordinatorTables tables, WriteSet rows) {
    FileSystem fileSystem = tables.fileSystem(put.getFileSystem());
    if (fileSystem == null) {
      return outcome(CoordinatorOutcome.Kind.NOT_FOUND);
    }
    if (!takesVolumes(fileSystem)) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    String problem = VolumeRules.problem(fileSystem, put.getVolumesList(), tables.fileSystems());
    if (problem != null) {
      return badVolumes(problem);
    }
    VolumeStorage before = fileSystem.getVolumeStorage();
    VolumeStorage after =
        before.toBuilder()
            .clearVolumes()
            .addAllVolumes(VolumeRules.merged(before.getVolumesList(), put.getVolumesList()))
            .build();
    if (after.equals(before)) {
      return done(fileSystem.getId());
    }
    for (Volume volume : before.getVolumesList()) {
      if (!after.getVolumesList().contains(volume)) {
        markGrown(fileSystem, volume, rows);
      }
    }
    rows.put(
        Keys.fileSystem(fileSystem.getId()),
        fileSystem.toBuilder().setVolumeStorage(after).build().toByteArray());
    nextEpoch(tables, rows);
    return done(fileSystem.getId());
  }

  private static boolean takesVolumes(FileSystem fileSystem) {
    return fileSystem.hasVolumeStorage() && fileSystem.getState() != FileSystem.State.DELETING;
  }

  /**
   * A volume's last block group, given out while it was short: its raft group hears of what is
   * added when it asks for more. Nothing follows from a mark on one that has not grown.
   */
  private static void markGrown(FileSystem fileSystem, Volume before, WriteSet rows) {
    if (before.getBlocks() % VolumeRules.GROUP_BLOCKS == 0) {
      return;
    }
    long last = VolumeRules.address(before.getNumber(), VolumeRules.groups(before) - 1);
    if (rows.get(Keys.assignedBlockGroup(fileSystem.getId(), last)) != null) {
      rows.put(Keys.grownBlockGroup(fileSystem.getId(), last), new byte[0]);
    }
  }

  static CoordinatorOutcome assign(
      AssignBlockGroups ask, long index, CoordinatorTables tables, WriteSet rows) {
    FileSystem fileSystem = tables.fileSystem(ask.getFileSystem());
    if (fileSystem == null) {
      return outcome(CoordinatorOutcome.Kind.NOT_FOUND);
    }
    if (!takesVolumes(fileSystem)) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    return new Assignment(fileSystem, ask, index, rows).run();
  }

  /** One entry that gives block groups to a raft group. */
  private static final class Assignment {
    private final FileSystem fileSystem;
    private final AssignBlockGroups ask;
    private final long index;
    private final WriteSet rows;
    private final int countMax;
    private final CoordinatorOutcome.Builder given = CoordinatorOutcome.newBuilder();

    Assignment(FileSystem fileSystem, AssignBlockGroups ask, long index, WriteSet rows) {
      this.fileSystem = fileSystem;
      this.ask = ask;
      this.index = index;
      this.rows = rows;
      this.countMax =
          Integer.compareUnsigned(ask.getCount(), BLOCK_GROUPS_MAX) < 0
              ? ask.getCount()
              : BLOCK_GROUPS_MAX;
    }

    CoordinatorOutcome run() {
      ask.getAgainList().stream().limit(BLOCK_GROUPS_MAX).forEach(this::giveAgain);
      int most = given.getBlockGroupsCount() + countMax;
      for (View.Row mark : rows.scan(Keys.grownBlockGroups(fileSystem.getId()), null, GROWN_MAX)) {
        if (given.getBlockGroupsCount() < most) {
          giveGrown(Keys.addressOf(mark.key()));
        }
      }
      int lookedAt = 0;
      for (Volume volume : fileSystem.getVolumeStorage().getVolumesList()) {
        if (volume.getPoolSet().equals(ask.getPoolSet())) {
          lookedAt += giveFree(volume, most, LOOKED_AT_MAX - lookedAt);
        }
      }
      if (given.getBlockGroupsCount() == 0 && lookedAt >= LOOKED_AT_MAX) {
        given.setKind(CoordinatorOutcome.Kind.MORE);
      }
      return given.build();
    }

    private void giveAgain(long address) {
      Volume volume = volumeOf(address);
      if (volume != null && isOwn(address)) {
        give(volume, address);
      }
    }

    private void giveGrown(long address) {
      Volume volume = volumeOf(address);
      if (volume != null && isOwn(address) && volume.getPoolSet().equals(ask.getPoolSet())) {
        give(volume, address);
      }
    }

    private boolean isOwn(long address) {
      AssignedBlockGroup row = assigned(rows, fileSystem.getId(), address);
      return row != null && row.getGroup() == ask.getGroup();
    }

    private @Nullable Volume volumeOf(long address) {
      return fileSystem.getVolumeStorage().getVolumesList().stream()
          .filter(volume -> volume.getNumber() == VolumeRules.numberOf(address))
          .findFirst()
          .orElse(null);
    }

    /** Returns how many block groups it has looked at. */
    private int giveFree(Volume volume, int most, int lookedAtMax) {
      byte[] key = Keys.volumeAllotment(fileSystem.getId(), volume.getNumber());
      long first = freeFrom(rows, key);
      long group = first;
      while (group < VolumeRules.groups(volume)
          && given.getBlockGroupsCount() < most
          && group - first < lookedAtMax) {
        long address = VolumeRules.address(volume.getNumber(), group);
        if (rows.get(Keys.assignedBlockGroup(fileSystem.getId(), address)) == null) {
          give(volume, address);
        }
        group++;
      }
      if (group != first) {
        putFreeFrom(rows, key, group);
      }
      return (int) (group - first);
    }

    private void give(Volume volume, long address) {
      int blocks = VolumeRules.groupBlocks(volume, VolumeRules.groupOf(address));
      rows.put(
          Keys.assignedBlockGroup(fileSystem.getId(), address),
          AssignedBlockGroup.newBuilder()
              .setGroup(ask.getGroup())
              .setBlocks(blocks)
              .setGiven(index)
              .build()
              .toByteArray());
      byte[] mark = Keys.grownBlockGroup(fileSystem.getId(), address);
      if (rows.get(mark) != null) {
        rows.delete(mark);
      }
      given.addBlockGroups(
          BlockGroup.newBuilder()
              .setAddress(address)
              .setBlocks(blocks)
              .setPoolSet(volume.getPoolSet())
              .setGiven(index));
    }
  }

  static CoordinatorOutcome release(ReleaseBlockGroups release, WriteSet rows) {
    int fileSystem = release.getFileSystem();
    for (long address : release.getAddressesList()) {
      AssignedBlockGroup row = assigned(rows, fileSystem, address);
      if (row == null
          || row.getGroup() != release.getGroup()
          || (release.getGivenMax() != 0
              && Long.compareUnsigned(row.getGiven(), release.getGivenMax()) > 0)) {
        continue;
      }
      rows.delete(Keys.assignedBlockGroup(fileSystem, address));
      rows.delete(Keys.grownBlockGroup(fileSystem, address));
      byte[] key = Keys.volumeAllotment(fileSystem, VolumeRules.numberOf(address));
      if (VolumeRules.groupOf(address) < freeFrom(rows, key)) {
        putFreeFrom(rows, key, VolumeRules.groupOf(address));
      }
    }
    return done(0);
  }

  /** Removes some rows of a file system's block groups; returns whether none is left. */
  static boolean removeSome(int fileSystem, WriteSet rows) {
    int left = REMOVED_MAX;
    for (byte[] table : Keys.volumeTablesOf(fileSystem)) {
      List<View.Row> found = rows.scan(table, null, left);
      found.forEach(row -> rows.delete(row.key()));
      left -= found.size();
      if (left == 0) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable AssignedBlockGroup assigned(View rows, int fileSystem, long address) {
    byte[] value = rows.get(Keys.assignedBlockGroup(fileSystem, address));
    return value == null ? null : Namespace.parse(value, AssignedBlockGroup.parser());
  }

  private static long freeFrom(View rows, byte[] key) {
    byte[] value = rows.get(key);
    return value == null ? 0 : Namespace.parse(value, VolumeAllotment.parser()).getFreeFrom();
  }

  private static void putFreeFrom(WriteSet rows, byte[] key, long group) {
    rows.put(key, VolumeAllotment.newBuilder().setFreeFrom(group).build().toByteArray());
  }
}
