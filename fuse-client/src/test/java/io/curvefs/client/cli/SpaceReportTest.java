package io.curvefs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.cli.VolumeUsageCommand.Line;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.BlockGroupUsage;
import io.curvefs.proto.LoanCheck;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.proto.Volume;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.VolumeNumber;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Sums, pictures and verdicts of what the groups say about their space. */
class SpaceReportTest {
  private static final int GROUP = VolumeLayout.GROUP_BLOCKS;

  private static Volume volume(int number, String poolSet, long blocks) {
    return Volume.newBuilder().setNumber(number).setPoolSet(poolSet).setBlocks(blocks).build();
  }

  private static long at(int volume, long group) {
    return BlockRange.of(new VolumeNumber(volume), group * GROUP, 1).address();
  }

  private static BlockGroup given(int volume, long group, int blocks, String poolSet) {
    return BlockGroup.newBuilder()
        .setAddress(at(volume, group))
        .setBlocks(blocks)
        .setPoolSet(poolSet)
        .build();
  }

  private static SpaceUsage held(String poolSet, long used, long largestFree) {
    return SpaceUsage.newBuilder()
        .setPoolSet(poolSet)
        .setUsed(used)
        .setReserved(10)
        .setQuarantined(1)
        .setLargestFree(largestFree)
        .build();
  }

  @Test
  void what_no_raft_group_holds_is_free_too() {
    List<SpaceSums> sums =
        SpaceSums.of(
            List.of(volume(1, "hdd", 3 * GROUP), volume(2, "ssd", GROUP + 5)),
            List.of(
                given(1, 0, GROUP, "hdd"), given(1, 1, GROUP, "hdd"), given(2, 0, GROUP, "ssd")),
            List.of(
                held("hdd", 100, 7).toBuilder().setLent(100).build(),
                held("hdd", 200, 9).toBuilder().setBorrowed(60).build(),
                held("ssd", 3, 2)));

    assertThat(sums)
        .containsExactly(
            new SpaceSums("hdd", 3 * GROUP, 300, 20, 2, GROUP, GROUP, 40),
            new SpaceSums("ssd", GROUP + 5, 3, 10, 1, 5, 5, 0));
    assertThat(sums.get(0).free()).isEqualTo(3 * GROUP - 322);
    assertThat(sums.get(0).described())
        .containsEntry("free_bytes", (3L * GROUP - 322) * 4096)
        .containsEntry("largest_free_bytes", (long) GROUP * 4096);
  }

  @Test
  void a_volume_of_which_nothing_is_given_is_free() {
    assertThat(SpaceSums.of(List.of(volume(1, "hdd", 5)), List.of(), List.of()))
        .containsExactly(new SpaceSums("hdd", 5, 0, 0, 0, 5, 5, 0));
  }

  private static BlockGroupUsage usage(int blocks, int set) {
    BitSet bits = new BitSet();
    bits.set(0, set);
    return BlockGroupUsage.newBuilder()
        .setAddress(at(1, 0))
        .setBlocks(blocks)
        .setSet(set)
        .setBitmap(ByteString.copyFrom(bits.toByteArray()))
        .build();
  }

  @Test
  void a_cell_is_darker_the_more_of_it_is_used_and_full_only_when_it_is() {
    int cell = GROUP / SpaceMap.CELLS;
    assertThat(SpaceMap.line(usage(GROUP, 0))).isEqualTo("·".repeat(64));
    assertThat(SpaceMap.line(usage(GROUP, GROUP))).isEqualTo("█".repeat(64));
    assertThat(SpaceMap.line(usage(GROUP, cell + 1))).startsWith("█░·").hasSize(64);
    assertThat(SpaceMap.line(usage(GROUP, 2 * cell - 1))).startsWith("█▓·");
    assertThat(SpaceMap.line(usage(GROUP, cell / 2))).startsWith("▒·");
    assertThat(SpaceMap.percents(usage(GROUP, cell + cell / 2))).startsWith(100, 50, 0).hasSize(64);
    assertThat(SpaceMap.line(usage(5, 2))).isEqualTo("██···");
    assertThat(SpaceMap.line(usage(100, 100))).isEqualTo("█".repeat(64));
  }

  @Test
  void the_picture_has_a_line_for_each_block_group_and_for_what_nobody_holds() {
    SortedMap<Long, Line> lines = new TreeMap<>();
    lines.put(at(1, 1), new Line(usage(GROUP, 0).toBuilder().setAddress(at(1, 1)).build(), 2));
    assertThat(
            VolumeUsageCommand.printMap(
                List.of(volume(1, "hdd", 4L * GROUP), volume(2, "hdd", 1)), lines))
        .containsExactly(
            "",
            SpaceMap.LEGEND,
            "1/0          1 not in use by any raft group",
            "1/1          " + "·".repeat(64),
            "1/2          2 not in use by any raft group",
            "2/0          1 not in use by any raft group");
  }

  private static SpaceCheck.Builder sound() {
    return SpaceCheck.newBuilder()
        .setFiles(2)
        .setExtents(3)
        .setSet(111)
        .setUsed(100)
        .setReserved(10)
        .setQuarantined(1);
  }

  @Test
  void a_sound_group_has_no_problems() {
    SpaceVerdict verdict = new SpaceVerdict(1, sound().build(), GROUP, GROUP);
    assertThat(verdict.problems()).isEmpty();
    assertThat(SpaceVerdict.sum(List.of(verdict)))
        .isEqualTo(
            "2 files in 3 extents: 400.0 KiB used, 40.0 KiB reserved, 4.0 KiB in quarantine;"
                + " 128.0 MiB held by 1 raft group");
  }

  @Test
  void everything_that_is_wrong_is_said_with_its_group() {
    assertThat(problem(sound().setLeaked(1))).contains("raft group 7", "4.0 KiB", "lost space");
    assertThat(problem(sound().setDoublyOwned(2))).contains("8.0 KiB", "two owners");
    assertThat(problem(sound().setUnmarked(1))).contains("marked as free");
    assertThat(problem(sound().setSet(112))).contains("do not add up", "112", "111");
    assertThat(problem(sound().addProblems("counter of 1/0"))).contains("counter of 1/0");
    assertThat(new SpaceVerdict(7, sound().build(), 0, GROUP).problems())
        .singleElement()
        .asString()
        .contains("128.0 MiB", "have not reached it");
    assertThat(new SpaceVerdict(7, sound().build(), GROUP, 0).problems())
        .singleElement()
        .asString()
        .contains("others may be given what it holds");
  }

  private static SpaceCheck loan(LoanCheck.Builder loan) {
    return sound().addLoans(loan).build();
  }

  @Test
  void raft_groups_must_agree_on_what_they_have_lent() {
    LoanCheck.Builder lent = LoanCheck.newBuilder().setGroup(2).setLent(9).setLentSum(90);
    LoanCheck.Builder borrowed =
        LoanCheck.newBuilder().setGroup(1).setBorrowed(9).setBorrowedSum(90);
    assertThat(LoanVerdict.of(Map.of(1, loan(lent), 2, loan(borrowed))))
        .isEqualTo(new LoanVerdict(9, 0, List.of()));

    LoanVerdict onTheWay = LoanVerdict.of(Map.of(1, loan(lent), 2, sound().build()));
    assertThat(onTheWay).isEqualTo(new LoanVerdict(9, 9, List.of()));
    assertThat(onTheWay.isSettled()).isFalse();
    assertThat(onTheWay.news()).get().asString().contains("36.0 KiB", "on its way");

    assertThat(LoanVerdict.of(Map.of(1, sound().build(), 2, loan(borrowed))).problems())
        .singleElement()
        .asString()
        .contains("raft group 2 uses 36.0 KiB of raft group 1", "write nothing");
    assertThat(
            LoanVerdict.of(Map.of(1, loan(lent), 2, loan(borrowed.setBorrowedSum(91)))).problems())
        .as("not the same blocks")
        .hasSize(1);
  }

  @Test
  void a_block_group_is_as_free_as_any_of_its_raft_groups_says() {
    BlockGroupUsage lender = usage(GROUP, 100); // of which 40 to 100 are lent
    BitSet others = new BitSet();
    others.set(0, 60);
    others.set(100, GROUP);
    BlockGroupUsage borrower =
        lender.toBuilder()
            .setLender(1)
            .setBitmap(ByteString.copyFrom(others.toByteArray()))
            .build();
    for (Line line :
        List.of(
            new Line(lender, 1).and(new Line(borrower, 2)),
            new Line(borrower, 2).and(new Line(lender, 1)))) {
      assertThat(line.group()).isEqualTo(1);
      assertThat(line.usage().getSet()).isEqualTo(60);
      assertThat(line.usage().getLargestFree()).isEqualTo(GROUP - 60);
    }
  }

  private static String problem(SpaceCheck.Builder check) {
    List<String> problems = new SpaceVerdict(7, check.build(), GROUP, GROUP).problems();
    assertThat(problems).hasSize(1);
    return problems.get(0);
  }
}
