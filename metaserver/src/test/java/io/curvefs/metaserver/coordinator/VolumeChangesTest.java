package io.curvefs.metaserver.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.metaserver.testing.MemoryRows;
import io.curvefs.proto.ActivateFileSystem;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.BeginDeleteFileSystem;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.CoordinatorOutcome.Kind;
import io.curvefs.proto.CreateFileSystem;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ForgetFileSystem;
import io.curvefs.proto.FormCluster;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.PutVolumes;
import io.curvefs.proto.ReleaseBlockGroups;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rows of volumes and of block groups that are given out; no raft. */
class VolumeChangesTest {
  private static final int GROUP = VolumeRules.GROUP_BLOCKS;

  private final MemoryRows rows = new MemoryRows();
  private final List<LogEntry> log = new ArrayList<>();
  private final CoordinatorTables tables = new CoordinatorTables(rows);
  private int train;

  private static Volume.Builder volume(int number, long blocks) {
    return Volume.newBuilder()
        .setNumber(number)
        .setUri("nbd://10.0.0." + number + "/v")
        .setUuid("u" + number)
        .setBlocks(blocks)
        .setPoolSet("default");
  }

  @BeforeEach
  void form() {
    apply(
        CoordinatorChange.newBuilder().setFormCluster(FormCluster.newBuilder().setUuid("cluster")));
    train = create("train", volume(1, 3 * GROUP)).getId();
    apply(
        CoordinatorChange.newBuilder()
            .setActivateFileSystem(ActivateFileSystem.newBuilder().setId(train)));
  }

  @AfterEach
  void the_same_log_gives_the_same_rows() {
    MemoryRows again = new MemoryRows();
    for (int i = 0; i < log.size(); i++) {
      apply(log.get(i), i + 1, again);
    }
    assertThat(again.dump()).isEqualTo(rows.dump());
  }

  private CoordinatorOutcome apply(CoordinatorChange.Builder change) {
    LogEntry entry =
        LogEntry.newBuilder()
            .setTime(Timestamp.newBuilder().setSeconds(log.size()))
            .setCoordinator(change)
            .build();
    log.add(entry);
    return apply(entry, log.size(), rows);
  }

  private static CoordinatorOutcome apply(LogEntry entry, long index, MemoryRows target) {
    WriteSet changes = new WriteSet(target);
    CoordinatorOutcome outcome = new CoordinatorReplica().apply(entry, index, changes);
    target.write(changes);
    return outcome;
  }

  private CoordinatorOutcome create(String name, Volume.Builder... volumes) {
    return create(
        name,
        VolumeStorage.newBuilder()
            .setPoolSet("default")
            .setQuarantineSeconds(60)
            .addAllVolumes(Arrays.stream(volumes).map(Volume.Builder::build).toList()));
  }

  private CoordinatorOutcome create(String name, VolumeStorage.Builder storage) {
    return apply(
        CoordinatorChange.newBuilder()
            .setCreateFileSystem(
                CreateFileSystem.newBuilder()
                    .setFileSystem(
                        FileSystem.newBuilder().setName(name).setVolumeStorage(storage))));
  }

  private CoordinatorOutcome put(Volume.Builder... volumes) {
    return apply(
        CoordinatorChange.newBuilder()
            .setPutVolumes(
                PutVolumes.newBuilder()
                    .setFileSystem(train)
                    .addAllVolumes(Arrays.stream(volumes).map(Volume.Builder::build).toList())));
  }

  private String refused(Volume.Builder... volumes) {
    String before = rows.dump();
    CoordinatorOutcome outcome = put(volumes);
    assertThat(outcome.getKind()).isEqualTo(Kind.BAD_VOLUMES);
    assertThat(rows.dump()).isEqualTo(before);
    return outcome.getDetail();
  }

  private CoordinatorOutcome assign(int group, int count, Long... again) {
    return apply(
        CoordinatorChange.newBuilder()
            .setAssignBlockGroups(
                AssignBlockGroups.newBuilder()
                    .setFileSystem(train)
                    .setGroup(group)
                    .setPoolSet("default")
                    .setCount(count)
                    .addAllAgain(List.of(again))));
  }

  private List<Long> given(int group, int count) {
    return addresses(assign(group, count));
  }

  private static List<Long> addresses(CoordinatorOutcome outcome) {
    assertThat(outcome.getKind()).isEqualTo(Kind.DONE);
    return outcome.getBlockGroupsList().stream().map(BlockGroup::getAddress).toList();
  }

  private void release(int group, long givenMax, Long... addresses) {
    CoordinatorOutcome outcome =
        apply(
            CoordinatorChange.newBuilder()
                .setReleaseBlockGroups(
                    ReleaseBlockGroups.newBuilder()
                        .setFileSystem(train)
                        .setGroup(group)
                        .setGivenMax(givenMax)
                        .addAllAddresses(List.of(addresses))));
    assertThat(outcome.getKind()).isEqualTo(Kind.DONE);
  }

  private int rowsOfVolumes() {
    return Keys.volumeTablesOf(train).stream()
        .mapToInt(table -> rows.scan(table, null, Integer.MAX_VALUE).size())
        .sum();
  }

  private static long at(int volume, int group) {
    return VolumeRules.address(volume, group);
  }

  @Test
  void a_file_system_keeps_its_volumes_in_the_order_of_their_numbers() {
    put(volume(3, GROUP), volume(2, GROUP));
    assertThat(tables.fileSystem(train).getVolumeStorage().getVolumesList())
        .extracting(Volume::getNumber)
        .containsExactly(1, 2, 3);
  }

  @Test
  void a_change_of_volumes_makes_a_new_epoch_and_its_second_arrival_does_not() {
    long epoch = tables.cluster().getRoutingEpoch();
    assertThat(put(volume(2, GROUP)).getKind()).isEqualTo(Kind.DONE);
    assertThat(put(volume(1, 4 * GROUP)).getKind()).isEqualTo(Kind.DONE);
    assertThat(put(volume(1, 4 * GROUP).setUri("nbd://10.0.0.9/v")).getKind())
        .as("its server has moved")
        .isEqualTo(Kind.DONE);
    assertThat(tables.cluster().getRoutingEpoch()).isEqualTo(epoch + 3);

    String before = rows.dump();
    put(volume(2, GROUP));
    put(volume(1, 4 * GROUP).setUri("nbd://10.0.0.9/v"));
    assertThat(rows.dump()).isEqualTo(before);
  }

  @Test
  void volumes_that_cannot_be_are_refused_with_a_remedy() {
    put(volume(3, GROUP));
    create("eval", volume(1, GROUP).setUuid("other").setUri("nbd://h/eval"));

    assertThat(refused(volume(1, 3 * GROUP - 1)))
        .contains("volume 1", "shrink", "give its device the old size back");
    assertThat(refused(volume(1, 3 * GROUP).setUuid("x"))).contains("uuid u1", "right device");
    assertThat(refused(volume(1, 3 * GROUP).setPoolSet("ssd"))).contains("'default'", "'ssd'");
    assertThat(refused(volume(2, GROUP))).contains("number 2", "the next is 4", "try it again");
    assertThat(refused(volume(0, GROUP))).contains("number 0", "the next is 4");
    assertThat(refused(volume(32768, GROUP))).contains("number 32768");
    assertThat(refused(volume(4, GROUP), volume(4, GROUP))).contains("number 4");
    assertThat(refused(volume(4, GROUP).setUri("nbd://10.0.0.1/v")))
        .contains("volume 1 and volume 4", "curvefs volume expand");
    assertThat(refused(volume(4, GROUP).setUuid("u1"))).contains("(number 1)", "another URI");
    assertThat(refused(volume(4, GROUP), volume(5, GROUP).setUuid("u4"))).contains("(number 4)");
    assertThat(refused(volume(4, GROUP).setUuid("other"))).contains("'eval'", "nbd://h/eval");
    assertThat(refused(volume(4, GROUP).setUuid(""))).contains("no uuid");
    assertThat(refused(volume(4, 0))).contains("cannot have 0 blocks");
    assertThat(refused(volume(4, -1))).contains("take a device of another size");
    assertThat(refused(volume(4, GROUP).setPoolSet("S"))).contains("'S'", "lower-case");
    assertThat(refused(volume(4, GROUP).setUri("a,b"))).contains("no comma");
    assertThat(refused(volume(4, GROUP).setUri("iscsi://u%secret@h/t/0").setUuid("u1")))
        .contains("iscsi://u@h/t/0")
        .doesNotContain("secret");
    Volume.Builder[] many =
        IntStream.rangeClosed(4, 1026).mapToObj(n -> volume(n, 1)).toArray(Volume.Builder[]::new);
    assertThat(refused(many)).contains("at most 1024", "curvefs volume expand");
    put(volume(32767, GROUP));
    assertThat(refused(volume(32767 + 1, GROUP))).contains("none is left");
  }

  @Test
  void a_file_system_is_only_made_of_volumes_that_can_be() {
    String before = rows.dump();
    VolumeStorage.Builder good =
        VolumeStorage.newBuilder()
            .setPoolSet("default")
            .setQuarantineSeconds(60)
            .addVolumes(volume(1, GROUP).setUuid("new"));

    assertThat(create("a").getDetail()).contains("--volume");
    assertThat(create("a", volume(1, GROUP)).getDetail()).contains("'train'");
    assertThat(create("a", good.clone().setQuarantineSeconds(0)).getDetail())
        .contains("not 0", "--quarantine");
    assertThat(create("a", good.clone().setPoolSet("ssd")).getDetail()).contains("'ssd'");
    assertThat(rows.dump()).isEqualTo(before);
    assertThat(create("a", good).getKind()).isEqualTo(Kind.DONE);
  }

  @Test
  void free_block_groups_are_given_lowest_first_and_each_once() {
    put(volume(2, GROUP + 5), volume(3, GROUP).setPoolSet("ssd"));
    CoordinatorOutcome first = assign(1, 2);
    assertThat(addresses(first)).containsExactly(at(1, 0), at(1, 1));
    assertThat(first.getBlockGroups(0).getPoolSet()).isEqualTo("default");
    assertThat(first.getBlockGroups(0).getGiven()).isEqualTo(log.size());

    CoordinatorOutcome second = assign(2, 9);
    assertThat(addresses(second)).containsExactly(at(1, 2), at(2, 0), at(2, 1));
    assertThat(second.getBlockGroupsList())
        .extracting(BlockGroup::getBlocks)
        .containsExactly(GROUP, GROUP, 5);
    String before = rows.dump();
    assertThat(given(1, 9)).isEmpty();
    assertThat(rows.dump()).isEqualTo(before);
  }

  @Test
  void who_asks_again_because_the_answer_was_lost_gets_others() {
    assertThat(given(1, 1)).containsExactly(at(1, 0));
    assertThat(given(1, 1)).containsExactly(at(1, 1));
  }

  @Test
  void what_was_released_is_given_again_lowest_first() {
    assertThat(given(1, 3)).hasSize(3);
    release(1, 0, at(1, 1));
    assertThat(given(2, 3)).containsExactly(at(1, 1));
  }

  @Test
  void only_who_holds_a_block_group_releases_it_and_repeating_that_is_harmless() {
    given(1, 1);
    given(2, 1);
    release(1, 0, at(1, 1), at(1, 2), at(9, 0));
    assertThat(given(3, 9)).containsExactly(at(1, 2));

    release(1, 0, at(1, 0));
    release(1, 0, at(1, 0));
    assertThat(given(3, 9)).containsExactly(at(1, 0));
    release(1, 0, at(1, 0));
    assertThat(given(1, 9)).isEmpty();
  }

  @Test
  void a_release_that_comes_late_frees_nothing_that_was_given_since() {
    long before = assign(1, 1).getBlockGroups(0).getGiven();
    release(1, before, at(1, 0));
    assertThat(given(1, 1)).containsExactly(at(1, 0));
    release(1, before, at(1, 0));

    assertThat(given(2, 1)).as("the first is taken").containsExactly(at(1, 1));
  }

  @Test
  void a_block_group_that_its_owner_lost_sight_of_is_given_to_it_anew() {
    long before = assign(1, 1).getBlockGroups(0).getGiven();
    given(2, 1);

    CoordinatorOutcome again = assign(1, 0, at(1, 0), at(1, 1), at(1, 2), at(7, 0));
    assertThat(addresses(again)).containsExactly(at(1, 0));
    assertThat(again.getBlockGroups(0).getGiven()).isGreaterThan(before);
    release(1, before, at(1, 0));
    assertThat(given(3, 9)).as("an earlier leader's release is too late").containsExactly(at(1, 2));
  }

  @Test
  void the_short_block_group_at_a_volumes_end_grows_with_it() {
    put(volume(2, 7));
    given(1, 3);
    assertThat(given(2, 1)).containsExactly(at(2, 0));
    put(volume(2, GROUP + 1));

    assertThat(given(1, 1)).as("not its own").containsExactly(at(2, 1));
    CoordinatorOutcome grown = assign(2, 1);
    assertThat(addresses(grown)).containsExactly(at(2, 0));
    assertThat(grown.getBlockGroups(0).getBlocks()).isEqualTo(GROUP);
    assertThat(given(2, 1)).as("heard once").isEmpty();
  }

  @Test
  void a_search_for_a_free_block_group_is_made_in_steps() {
    int many = VolumeChanges.LOOKED_AT_MAX + 10;
    put(volume(2, (long) GROUP * many));
    given(1, 3);
    for (int i = 0; i <= many / VolumeChanges.BLOCK_GROUPS_MAX; i++) {
      given(1, VolumeChanges.BLOCK_GROUPS_MAX + 1);
    }
    assertThat(given(1, 1)).isEmpty();
    release(1, 0, at(2, 0), at(2, many - 1));

    assertThat(given(1, 1)).containsExactly(at(2, 0));
    assertThat(assign(1, 1).getKind()).isEqualTo(Kind.MORE);
    assertThat(given(1, 1)).containsExactly(at(2, many - 1));
  }

  @Test
  void block_groups_go_with_their_file_system_in_steps() {
    put(volume(2, (long) GROUP * VolumeChanges.REMOVED_MAX));
    for (int i = 0; i < 11; i++) {
      given(1, VolumeChanges.BLOCK_GROUPS_MAX);
    }
    assertThat(rowsOfVolumes()).isGreaterThan(VolumeChanges.REMOVED_MAX);
    apply(
        CoordinatorChange.newBuilder()
            .setBeginDeleteFileSystem(BeginDeleteFileSystem.newBuilder().setId(train)));
    assertThat(assign(1, 1).getKind()).isEqualTo(Kind.WRONG_STATE);
    assertThat(put(volume(3, GROUP)).getKind()).isEqualTo(Kind.WRONG_STATE);

    CoordinatorChange.Builder forget =
        CoordinatorChange.newBuilder()
            .setForgetFileSystem(ForgetFileSystem.newBuilder().setId(train));
    assertThat(apply(forget).getKind()).isEqualTo(Kind.MORE);
    assertThat(tables.fileSystem(train)).isNotNull();
    assertThat(apply(forget).getKind()).isEqualTo(Kind.DONE);
    assertThat(tables.fileSystem(train)).isNull();
    assertThat(rowsOfVolumes()).isZero();
    assertThat(apply(forget).getKind()).isEqualTo(Kind.DONE);
    assertThat(assign(1, 1).getKind()).isEqualTo(Kind.NOT_FOUND);
    release(1, 0, at(1, 0));
  }

  @Test
  void only_a_file_system_on_volumes_has_block_groups() {
    int onBucket =
        apply(
                CoordinatorChange.newBuilder()
                    .setCreateFileSystem(
                        CreateFileSystem.newBuilder()
                            .setFileSystem(FileSystem.newBuilder().setName("s3"))))
            .getId();
    train = onBucket;
    assertThat(put(volume(1, GROUP)).getKind()).isEqualTo(Kind.WRONG_STATE);
    assertThat(assign(1, 1).getKind()).isEqualTo(Kind.WRONG_STATE);
  }

  @Test
  void no_block_group_ever_has_two_owners() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Map<Long, Integer> owners = new HashMap<>();
    long blocks = 3 * GROUP;
    for (int i = 0; i < 2000; i++) {
      int group = 1 + random.nextInt(3);
      switch (random.nextInt(5)) {
        case 0 -> put(volume(1, blocks += random.nextInt(GROUP)));
        case 1, 2 -> {
          for (BlockGroup block : assign(group, random.nextInt(3)).getBlockGroupsList()) {
            Integer before = owners.put(block.getAddress(), group);
            assertThat(before).as("seed %d, step %d", seed, i).isIn(null, group);
          }
        }
        default -> {
          long address = at(1, random.nextInt((int) (blocks / GROUP)));
          release(group, 0, address);
          owners.remove(address, group);
        }
      }
    }
    assertThat(rows.scan(Keys.assignedBlockGroups(train), null, Integer.MAX_VALUE))
        .as("seed %d", seed)
        .hasSize(owners.size());
  }
}
