package io.curvefs.metaserver.coordinator;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.AssignedBlockGroup;
import io.curvefs.proto.AssignedBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.PutVolumes;
import io.curvefs.proto.PutVolumesRequest;
import io.curvefs.proto.ReleaseBlockGroups;
import io.curvefs.proto.Volume;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What is asked about volumes and their block groups. The coordinator never opens a volume. Never
 * blocks. Thread-safe.
 */
final class FileSystemVolumes {
  /** Rows that one answer is made of. */
  static final int LISTED_MAX = 1 << 16;

  private final Coordinator coordinator;

  FileSystemVolumes(Coordinator coordinator) {
    this.coordinator = coordinator;
  }

  /** Throws what {@link VolumeRules} say, when they say something. */
  static void require(@Nullable String problem) throws RefusedException {
    if (problem != null) {
      throw new RefusedException(Refusal.BAD_VOLUME, problem);
    }
  }

  CompletableFuture<CoordinateReply> put(Coordinator.Reign reign, PutVolumesRequest request) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              FileSystem fileSystem = tables.fileSystem(request.getFileSystem());
              if (fileSystem == null) {
                return CompletableFuture.failedFuture(
                    CoordinatorService.noSuchFileSystem(request.getFileSystem(), tables));
              }
              return propose(
                  reign,
                  fileSystem.getId(),
                  CoordinatorChange.newBuilder()
                      .setPutVolumes(
                          PutVolumes.newBuilder()
                              .setFileSystem(fileSystem.getId())
                              .addAllVolumes(request.getVolumesList())),
                  outcome ->
                      CompletableFuture.completedFuture(CoordinateReply.getDefaultInstance()));
            });
  }

  /**
   * Gives block groups to a raft group. When there are none to give, it is not even proposed: a
   * file system that is full asks often.
   */
  CompletableFuture<CoordinateReply> assign(Coordinator.Reign reign, AssignBlockGroups ask) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              if (tables.groups().stream().noneMatch(group -> group.getId() == ask.getGroup())) {
                return CompletableFuture.failedFuture(
                    new RefusedException(
                        Refusal.BAD_REQUEST, "there is no raft group " + ask.getGroup()));
              }
              WriteSet trial = new WriteSet(coordinator.raft().rows());
              CoordinatorOutcome expected =
                  VolumeChanges.assign(ask, 0, new CoordinatorTables(trial), trial);
              if (expected.getKind() == CoordinatorOutcome.Kind.DONE
                  && expected.getBlockGroupsCount() == 0) {
                return CompletableFuture.completedFuture(given(ask, expected));
              }
              return proposeAssignment(reign, ask);
            });
  }

  private CompletableFuture<CoordinateReply> proposeAssignment(
      Coordinator.Reign reign, AssignBlockGroups ask) {
    return propose(
        reign,
        ask.getFileSystem(),
        CoordinatorChange.newBuilder().setAssignBlockGroups(ask),
        outcome ->
            outcome.getKind() == CoordinatorOutcome.Kind.MORE
                ? proposeAssignment(reign, ask)
                : CompletableFuture.completedFuture(given(ask, outcome)));
  }

  private static CoordinateReply given(AssignBlockGroups ask, CoordinatorOutcome outcome) {
    return CoordinateReply.newBuilder()
        .addBlockGroups(
            AssignedBlockGroups.newBuilder()
                .setGroup(ask.getGroup())
                .addAllBlockGroups(outcome.getBlockGroupsList()))
        .build();
  }

  CompletableFuture<CoordinateReply> release(Coordinator.Reign reign, ReleaseBlockGroups release) {
    if (release.getAddressesCount() > VolumeChanges.BLOCK_GROUPS_MAX) {
      return CompletableFuture.failedFuture(
          new RefusedException(
              Refusal.BAD_REQUEST,
              "at most "
                  + VolumeChanges.BLOCK_GROUPS_MAX
                  + " block groups are released at once, not "
                  + release.getAddressesCount()));
    }
    return propose(
        reign,
        release.getFileSystem(),
        CoordinatorChange.newBuilder().setReleaseBlockGroups(release),
        outcome -> CompletableFuture.completedFuture(CoordinateReply.getDefaultInstance()));
  }

  CompletableFuture<CoordinateReply> list(ListBlockGroupsRequest list) {
    return coordinator
        .read()
        .thenCompose(
            tables -> {
              FileSystem fileSystem = tables.fileSystem(list.getFileSystem());
              return fileSystem == null
                  ? CompletableFuture.failedFuture(noSuch(list.getFileSystem()))
                  : CompletableFuture.completedFuture(list(fileSystem, list));
            });
  }

  private CoordinateReply list(FileSystem fileSystem, ListBlockGroupsRequest list) {
    Map<Integer, String> poolSets =
        fileSystem.getVolumeStorage().getVolumesList().stream()
            .collect(Collectors.toMap(Volume::getNumber, Volume::getPoolSet));
    Map<Integer, AssignedBlockGroups.Builder> byGroup = new TreeMap<>();
    byte[] after =
        list.getAfter() == 0 ? null : Keys.assignedBlockGroup(fileSystem.getId(), list.getAfter());
    List<View.Row> rows =
        coordinator
            .raft()
            .rows()
            .scan(Keys.assignedBlockGroups(fileSystem.getId()), after, LISTED_MAX);
    for (View.Row row : rows) {
      AssignedBlockGroup assigned = Namespace.parse(row.value(), AssignedBlockGroup.parser());
      if (list.getGroup() == 0 || list.getGroup() == assigned.getGroup()) {
        long address = Keys.addressOf(row.key());
        byGroup
            .computeIfAbsent(
                assigned.getGroup(), group -> AssignedBlockGroups.newBuilder().setGroup(group))
            .addBlockGroups(
                BlockGroup.newBuilder()
                    .setAddress(address)
                    .setBlocks(assigned.getBlocks())
                    .setPoolSet(poolSets.getOrDefault(VolumeRules.numberOf(address), ""))
                    .setGiven(assigned.getGiven()));
      }
    }
    CoordinateReply.Builder reply = CoordinateReply.newBuilder();
    byGroup.values().forEach(reply::addBlockGroups);
    if (rows.size() == LISTED_MAX) {
      reply.setBlockGroupsAfter(Keys.addressOf(rows.get(LISTED_MAX - 1).key()));
    }
    return reply.build();
  }

  private static RefusedException noSuch(int fileSystem) {
    return new RefusedException(
        Refusal.NO_SUCH_FILE_SYSTEM, "no file system " + fileSystem + ": it has been deleted");
  }

  private CompletableFuture<CoordinateReply> propose(
      Coordinator.Reign reign,
      int fileSystem,
      CoordinatorChange.Builder change,
      Function<CoordinatorOutcome, CompletableFuture<CoordinateReply>> then) {
    return coordinator
        .propose(reign, change)
        .thenCompose(
            outcome ->
                switch (outcome.getKind()) {
                  case DONE, MORE -> then.apply(outcome);
                  case NOT_FOUND -> CompletableFuture.failedFuture(noSuch(fileSystem));
                  case BAD_VOLUMES ->
                      CompletableFuture.failedFuture(
                          new RefusedException(Refusal.BAD_VOLUME, outcome.getDetail()));
                  default -> CompletableFuture.failedFuture(wrongState(fileSystem));
                });
  }

  private RefusedException wrongState(int id) {
    FileSystem fileSystem = coordinator.tables().fileSystem(id);
    if (fileSystem == null) {
      return noSuch(id);
    }
    return new RefusedException(
        Refusal.WRONG_STATE,
        "file system '"
            + fileSystem.getName()
            + (fileSystem.hasVolumeStorage()
                ? "' is being deleted: it takes no more volumes, nor space on them"
                : "' keeps its data in a bucket: it has no volumes, and can get none. Create another"
                    + " with 'curvefs fs create --volume'"));
  }
}
