package io.curvefs.client.cli;

import io.curvefs.id.GroupId;
import io.curvefs.proto.AssignedBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.CheckSpace;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.GetSpace;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.Routing;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.proto.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/** Asks the coordinator and every data group how the volumes of a file system are used. */
final class VolumeSpace {
  private static final Duration BOUND = Duration.ofSeconds(60);

  /** A group looks at each extent of each file. */
  private static final Duration CHECK_MAX = Duration.ofHours(1);

  private final AdminClient client;
  private final Routing routing;

  /**
   * @param routing names the file system
   */
  VolumeSpace(AdminClient client, Routing routing) {
    this.client = client;
    this.routing = routing;
  }

  /** A block group that the coordinator has given to a raft group. */
  record Given(BlockGroup block, int group) {}

  private FileSystem fileSystem() {
    return routing.getFileSystem();
  }

  /** All block groups that are given out, by address. */
  SortedMap<Long, Given> given() throws IOException {
    SortedMap<Long, Given> given = new TreeMap<>();
    long after = 0;
    do {
      CoordinateReply reply =
          client.ask(
              CoordinateRequest.newBuilder()
                  .setListBlockGroups(
                      ListBlockGroupsRequest.newBuilder()
                          .setFileSystem(fileSystem().getId())
                          .setAfter(after)),
              BOUND);
      for (AssignedBlockGroups ofGroup : reply.getBlockGroupsList()) {
        for (BlockGroup block : ofGroup.getBlockGroupsList()) {
          given.put(block.getAddress(), new Given(block, ofGroup.getGroup()));
        }
      }
      after = reply.getBlockGroupsAfter();
    } while (after != 0);
    return given;
  }

  /**
   * What each data group says of its space, by group.
   *
   * @param byBlockGroup with bitmaps
   */
  Map<Integer, List<SpaceUsage>> held(boolean byBlockGroup) throws IOException {
    Map<Integer, List<SpaceUsage>> held = new LinkedHashMap<>();
    ask(
            ReadRequest.newBuilder()
                .setGetSpace(GetSpace.newBuilder().setByBlockGroup(byBlockGroup)),
            BOUND)
        .forEach((group, reply) -> held.put(group, reply.getSpaceList()));
    return held;
  }

  /** Lets each data group check its space. */
  Map<Integer, SpaceCheck> check() throws IOException {
    Map<Integer, SpaceCheck> checks = new LinkedHashMap<>();
    ask(
            ReadRequest.newBuilder()
                .setCheckSpace(
                    CheckSpace.newBuilder()
                        .setNumber(ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE))),
            CHECK_MAX)
        .forEach((group, reply) -> checks.put(group, reply.getSpaceCheck()));
    return checks;
  }

  /** Asks the leaders of all data groups of the file system at once. */
  private Map<Integer, ReadReply> ask(ReadRequest.Builder request, Duration bound)
      throws IOException {
    Map<Integer, CompletableFuture<ReadReply>> asked = new TreeMap<>();
    for (int group : fileSystem().getPartitionGroupsList()) {
      asked.computeIfAbsent(
          group,
          absent ->
              client.read(
                  new GroupId(group),
                  request
                      .setTarget(
                          Target.newBuilder().setGroup(group).setFileSystem(fileSystem().getId()))
                      .build(),
                  bound));
    }
    Map<Integer, ReadReply> answers = new LinkedHashMap<>();
    for (Map.Entry<Integer, CompletableFuture<ReadReply>> each : asked.entrySet()) {
      answers.put(each.getKey(), AdminClient.await(each.getValue()));
    }
    return answers;
  }
}
