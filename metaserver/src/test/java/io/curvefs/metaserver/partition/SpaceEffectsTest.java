package io.curvefs.metaserver.partition;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.metaserver.testing.Invariants;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.DropBlockGroups;
import io.curvefs.proto.DropFileSystem;
import io.curvefs.proto.Effect;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.FileType;
import io.curvefs.proto.FreeChunks;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.InsertInode;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.PunchHole;
import io.curvefs.proto.ReleaseQuarantine;
import io.curvefs.proto.RemoveDentry;
import io.curvefs.proto.RequestId;
import io.curvefs.proto.ReserveBlocks;
import io.curvefs.proto.ReturnBlocks;
import io.curvefs.proto.SetAttributes;
import io.curvefs.space.BlockRange;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SpaceEffectsTest {
  private static final int OTHER_SESSION = 8;

  /** Of block group 0 of volume 1; the next one follows. */
  private static final long GROUP = 1L << 48;

  private static final int GROUP_BLOCKS = 32_768;
  private static final long FILE = 2;

  private final Machine machine = new Machine(1);
  private int sequence;

  @BeforeEach
  void hold_two_block_groups_and_a_file() {
    machine.apply(
        LogEntry.newBuilder().setAdmitSession(AdmitSession.newBuilder().setSession(OTHER_SESSION)));
    hold(GROUP, GROUP_BLOCKS);
    hold(GROUP + GROUP_BLOCKS, 100);
    apply(
        Machine.SESSION,
        Effect.newBuilder()
            .setInsertInode(
                InsertInode.newBuilder()
                    .setInode(
                        Inode.newBuilder().setId(FILE).setType(FileType.REGULAR).setNlink(1))),
        Effect.newBuilder()
            .setInsertDentry(
                InsertDentry.newBuilder()
                    .setParent(1)
                    .setName(ByteString.copyFromUtf8("f"))
                    .setChild(FILE)
                    .setType(FileType.REGULAR)));
  }

  @AfterEach
  void bits_owners_and_counters_agree_and_a_replay_gives_the_same_bytes() {
    Invariants.checkSpace(Machine.FILE_SYSTEM, machine.rows);
    assertThat(machine.replay().dump()).isEqualTo(machine.rows.dump());
  }

  private Outcome.Kind hold(long address, int blocks) {
    return machine
        .apply(
            LogEntry.newBuilder()
                .setHoldBlockGroups(
                    HoldBlockGroups.newBuilder()
                        .setFileSystem(Machine.FILE_SYSTEM)
                        .addGroups(BlockGroup.newBuilder().setAddress(address).setBlocks(blocks))))
        .getKind();
  }

  private LogEntry.Builder entry(int session, int number, Effect.Builder... effects) {
    Mutation.Builder mutation =
        Mutation.newBuilder()
            .setFileSystem(Machine.FILE_SYSTEM)
            .setRequest(RequestId.newBuilder().setSession(session).setSequence(number));
    for (Effect.Builder effect : effects) {
      mutation.addEffects(effect);
    }
    return LogEntry.newBuilder().setMutation(mutation);
  }

  private Outcome apply(int session, Effect.Builder... effects) {
    return machine.apply(entry(session, ++sequence, effects));
  }

  private static io.curvefs.proto.BlockRange range(long address, int count) {
    return io.curvefs.proto.BlockRange.newBuilder().setAddress(address).setCount(count).build();
  }

  private static Effect.Builder reserve(long address, int count) {
    return Effect.newBuilder()
        .setReserveBlocks(ReserveBlocks.newBuilder().addRanges(range(address, count)));
  }

  private static Effect.Builder giveBack(long address, int count) {
    return Effect.newBuilder()
        .setReturnBlocks(ReturnBlocks.newBuilder().addRanges(range(address, count)));
  }

  private static Effect.Builder commit(int chunk, int at, long address, int count) {
    return Effect.newBuilder()
        .setCommitBlocks(
            CommitBlocks.newBuilder()
                .setInode(FILE)
                .setLength(chunk * (64L << 20) + (at + count) * 4096L)
                .addChunks(
                    ChunkBlocks.newBuilder()
                        .setIndex(chunk)
                        .addBlocks(extent(at, address, count))));
  }

  private static BlockExtent extent(int at, long address, int count) {
    return BlockExtent.newBuilder().setChunkBlock(at).setCount(count).setAddress(address).build();
  }

  private static Effect.Builder punch(long first, long count) {
    return Effect.newBuilder()
        .setPunchHole(PunchHole.newBuilder().setInode(FILE).setFirstBlock(first).setCount(count));
  }

  private static Effect.Builder truncate(long length) {
    return Effect.newBuilder()
        .setSetAttributes(SetAttributes.newBuilder().setInode(FILE).setLength(length));
  }

  private static Effect.Builder[] unlink() {
    return new Effect.Builder[] {
      Effect.newBuilder()
          .setRemoveDentry(
              RemoveDentry.newBuilder()
                  .setParent(1)
                  .setName(ByteString.copyFromUtf8("f"))
                  .setChild(FILE)
                  .setType(FileType.REGULAR)),
      Effect.newBuilder().setChangeLinks(ChangeLinks.newBuilder().setInode(FILE).setDelta(-1))
    };
  }

  private Outcome expire(int session) {
    return machine.apply(
        LogEntry.newBuilder().setExpireSession(ExpireSession.newBuilder().setSession(session)));
  }

  private Outcome release(List<byte[]> keys) {
    ReleaseQuarantine.Builder release =
        ReleaseQuarantine.newBuilder().setFileSystem(Machine.FILE_SYSTEM);
    keys.forEach(key -> release.addKeys(ByteString.copyFrom(key)));
    return machine.apply(LogEntry.newBuilder().setReleaseQuarantine(release));
  }

  private List<byte[]> quarantineKeys() {
    return machine.rows.scan(Keys.quarantine(Machine.FILE_SYSTEM), null, 1000).stream()
        .map(Row::key)
        .toList();
  }

  private List<BlockRange> quarantined() {
    return machine.rows.scan(Keys.quarantine(Machine.FILE_SYSTEM), null, 1000).stream()
        .map(SpaceRows::blocksOf)
        .toList();
  }

  private List<BlockRange> reserved() {
    return machine.rows.scan(Keys.reservations(Machine.FILE_SYSTEM), null, 1000).stream()
        .map(SpaceRows::blocksOf)
        .toList();
  }

  private HeldBlockGroup group() {
    return new SpaceRows(machine.rows, Machine.FILE_SYSTEM).heldBlockGroup(GROUP);
  }

  private Inode file() {
    return machine.namespace().inode(new InodeId(FILE));
  }

  private List<BlockExtent> blocks(int chunk) {
    Namespace namespace = machine.namespace();
    return namespace.chunk(new InodeId(FILE), chunk) == null
        ? List.of()
        : namespace.chunk(new InodeId(FILE), chunk).getBlocksList();
  }

  @Test
  void blocks_can_be_reserved_once() {
    assertThat(apply(Machine.SESSION, reserve(GROUP + 5, 10)).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);
    assertThat(apply(OTHER_SESSION, reserve(GROUP + 14, 2)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(reserved()).containsExactly(new BlockRange(GROUP + 5, 10));
    assertThat(group().getUsed()).isEqualTo(10);
    assertThat(group().getReserved()).isEqualTo(10);
  }

  @Test
  void a_reservation_may_reach_over_segments_and_block_groups() {
    apply(Machine.SESSION, reserve(GROUP + 4000, GROUP_BLOCKS - 4000 + 100));

    assertThat(group().getReserved()).isEqualTo(GROUP_BLOCKS - 4000);
  }

  @Test
  void blocks_beyond_a_short_block_group_or_of_one_that_is_not_held_cannot_be_reserved() {
    assertThat(apply(Machine.SESSION, reserve(GROUP + GROUP_BLOCKS + 99, 2)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(apply(Machine.SESSION, reserve(GROUP + 2 * GROUP_BLOCKS, 1)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
  }

  @Test
  void a_reservation_that_arrives_twice_gets_the_first_blocks() {
    Outcome first = machine.apply(entry(Machine.SESSION, 50, reserve(GROUP, 3)));
    Outcome second = machine.apply(entry(Machine.SESSION, 50, reserve(GROUP + 3, 3)));

    assertThat(second.getKind()).isEqualTo(Outcome.Kind.REPEATED);
    assertThat(second.getReservedList()).isEqualTo(first.getReservedList());
    assertThat(reserved()).containsExactly(new BlockRange(GROUP, 3));
  }

  @Test
  void only_what_the_session_has_reserved_is_given_back() {
    apply(Machine.SESSION, reserve(GROUP + 10, 10));
    apply(OTHER_SESSION, reserve(GROUP + 20, 10));
    Outcome outcome = apply(Machine.SESSION, giveBack(GROUP + 5, 20));

    assertThat(outcome.getFreedList()).containsExactly(range(GROUP + 10, 10));
    assertThat(reserved()).containsExactly(new BlockRange(GROUP + 20, 10));
    assertThat(group().getUsed()).isEqualTo(10);
    assertThat(group().getReleased()).isEqualTo(machine.log.size());
  }

  @Test
  void the_middle_of_a_reservation_is_given_back_once_however_often_it_is_asked() {
    apply(Machine.SESSION, reserve(GROUP, 30));
    LogEntry.Builder entry = entry(Machine.SESSION, ++sequence, giveBack(GROUP + 10, 10));
    assertThat(machine.apply(entry.clone()).getFreedCount()).isEqualTo(1);
    assertThat(machine.apply(entry.clone()).getFreedCount()).isZero();
    assertThat(apply(Machine.SESSION, giveBack(GROUP + 10, 10)).getFreedCount()).isZero();
    assertThat(reserved())
        .containsExactly(new BlockRange(GROUP, 10), new BlockRange(GROUP + 20, 10));
  }

  @Test
  void reserved_blocks_become_a_files() {
    apply(Machine.SESSION, reserve(GROUP, 10));
    apply(Machine.SESSION, commit(0, 4, GROUP + 2, 5));

    assertThat(blocks(0)).containsExactly(extent(4, GROUP + 2, 5));
    assertThat(file().getLength()).isEqualTo(9 * 4096);
    assertThat(file().getAllocated()).isEqualTo(5 * 4096);
    assertThat(file().getDataVersion()).isEqualTo(1);
    assertThat(reserved()).containsExactly(new BlockRange(GROUP, 2), new BlockRange(GROUP + 7, 3));
    assertThat(group().getUsed()).isEqualTo(10);
    assertThat(group().getReserved()).isEqualTo(5);
  }

  @Test
  void extents_that_continue_each_other_become_one() {
    apply(Machine.SESSION, reserve(GROUP, 10));
    apply(Machine.SESSION, commit(0, 0, GROUP, 4));
    apply(Machine.SESSION, commit(0, 6, GROUP + 6, 4));
    apply(Machine.SESSION, commit(0, 4, GROUP + 4, 2));

    assertThat(blocks(0)).containsExactly(extent(0, GROUP, 10));
    assertThat(reserved()).isEmpty();
  }

  @Test
  void what_another_session_has_reserved_or_nobody_cannot_be_committed() {
    apply(OTHER_SESSION, reserve(GROUP, 10));
    assertThat(apply(Machine.SESSION, commit(0, 0, GROUP, 4)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    apply(Machine.SESSION, reserve(GROUP + 10, 10));
    assertThat(apply(Machine.SESSION, commit(0, 0, GROUP + 15, 6)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(blocks(0)).isEmpty();
    assertThat(reserved()).hasSize(2);
  }

  @Test
  void what_is_overwritten_goes_into_quarantine() {
    apply(Machine.SESSION, reserve(GROUP, 20));
    apply(Machine.SESSION, commit(0, 0, GROUP, 10));
    apply(Machine.SESSION, commit(0, 3, GROUP + 10, 4));

    assertThat(blocks(0))
        .containsExactly(extent(0, GROUP, 3), extent(3, GROUP + 10, 4), extent(7, GROUP + 7, 3));
    assertThat(quarantined()).containsExactly(new BlockRange(GROUP + 3, 4));
    assertThat(group().getQuarantined()).isEqualTo(4);
    assertThat(file().getAllocated()).isEqualTo(10 * 4096);
  }

  @Test
  void bytes_overwritten_in_place_change_times_and_versions_alone() {
    apply(Machine.SESSION, reserve(GROUP, 2));
    apply(Machine.SESSION, commit(0, 0, GROUP, 2));
    Inode before = file();
    apply(
        Machine.SESSION,
        Effect.newBuilder()
            .setCommitBlocks(CommitBlocks.newBuilder().setInode(FILE).setLength(5000)));

    assertThat(file().getDataVersion()).isEqualTo(before.getDataVersion() + 1);
    assertThat(file().getLength()).isEqualTo(before.getLength());
    assertThat(file().getAllocated()).isEqualTo(before.getAllocated());
  }

  @Test
  void a_truncate_keeps_the_blocks_that_the_new_length_touches() {
    apply(Machine.SESSION, reserve(GROUP, 100));
    apply(Machine.SESSION, commit(0, 0, GROUP, 10));
    apply(Machine.SESSION, commit(1, 0, GROUP + 10, 10));
    apply(Machine.SESSION, truncate(2 * 4096 + 1));

    assertThat(blocks(0)).containsExactly(extent(0, GROUP, 3));
    assertThat(blocks(1)).isEmpty();
    assertThat(quarantined()).containsExactly(new BlockRange(GROUP + 3, 17));
    assertThat(file().getAllocated()).isEqualTo(3 * 4096);

    apply(Machine.SESSION, truncate(0));
    assertThat(blocks(0)).isEmpty();
    assertThat(file().getAllocated()).isZero();
    assertThat(group().getQuarantined()).isEqualTo(20);
  }

  @Test
  void a_hole_takes_the_blocks_of_several_chunks_and_the_length_stays() {
    apply(Machine.SESSION, reserve(GROUP, 100));
    apply(Machine.SESSION, commit(0, 16_380, GROUP, 4));
    apply(Machine.SESSION, commit(1, 0, GROUP + 4, 4));
    apply(Machine.SESSION, commit(2, 0, GROUP + 8, 4));
    long length = file().getLength();
    apply(Machine.SESSION, punch(16_382, 4));

    assertThat(blocks(0)).containsExactly(extent(16_380, GROUP, 2));
    assertThat(blocks(1)).containsExactly(extent(2, GROUP + 6, 2));
    assertThat(blocks(2)).containsExactly(extent(0, GROUP + 8, 4));
    assertThat(quarantined()).containsExactly(new BlockRange(GROUP + 2, 4));
    assertThat(file().getLength()).isEqualTo(length);
    assertThat(file().getAllocated()).isEqualTo(8 * 4096);
  }

  @Test
  void a_deleted_file_is_freed_in_steps_each_of_which_may_come_twice() {
    apply(Machine.SESSION, reserve(GROUP, 20));
    apply(Machine.SESSION, commit(0, 0, GROUP, 10));
    apply(Machine.SESSION, commit(1, 0, GROUP + 10, 10));
    apply(Machine.SESSION, unlink());
    assertThat(group().getUsed()).isEqualTo(20);
    assertThat(quarantined()).isEmpty();

    FreeChunks first =
        FreeChunks.newBuilder()
            .addChunkKeys(ByteString.copyFrom(Keys.chunk(Machine.FILE_SYSTEM, FILE, 0)))
            .build();
    machine.apply(LogEntry.newBuilder().setFreeChunks(first));
    machine.apply(LogEntry.newBuilder().setFreeChunks(first));
    assertThat(quarantined()).containsExactly(new BlockRange(GROUP, 10));
    Invariants.checkSpace(Machine.FILE_SYSTEM, machine.rows);

    byte[] garbage = machine.rows.scan(Keys.garbage(Machine.FILE_SYSTEM), null, 1).get(0).key();
    machine.apply(
        LogEntry.newBuilder()
            .setFreeChunks(
                FreeChunks.newBuilder()
                    .addChunkKeys(ByteString.copyFrom(Keys.chunk(Machine.FILE_SYSTEM, FILE, 1)))
                    .addGarbageKeys(ByteString.copyFrom(garbage))));
    assertThat(machine.rows.scan(Keys.garbage(), null, 1)).isEmpty();
    assertThat(group().getQuarantined()).isEqualTo(20);
  }

  @Test
  void blocks_behind_the_end_of_an_empty_file_are_not_forgotten_when_it_is_deleted() {
    apply(Machine.SESSION, reserve(GROUP, 1));
    Effect.Builder behind = commit(0, 0, GROUP, 1);
    behind.getCommitBlocksBuilder().setLength(0);
    apply(Machine.SESSION, behind);
    apply(Machine.SESSION, unlink());

    assertThat(machine.rows.scan(Keys.garbage(Machine.FILE_SYSTEM), null, 2)).hasSize(1);
  }

  @Test
  void what_a_dead_session_has_reserved_rests_and_that_of_others_stays() {
    apply(Machine.SESSION, reserve(GROUP, 10));
    apply(OTHER_SESSION, reserve(GROUP + 10, 10));
    expire(OTHER_SESSION);

    assertThat(quarantined()).containsExactly(new BlockRange(GROUP + 10, 10));
    assertThat(reserved()).containsExactly(new BlockRange(GROUP, 10));
    assertThat(apply(Machine.SESSION, reserve(GROUP + 10, 10)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
  }

  @Test
  void what_has_rested_is_free_once_however_often_it_is_released() {
    apply(OTHER_SESSION, reserve(GROUP, 10));
    expire(OTHER_SESSION);
    List<byte[]> keys = quarantineKeys();

    assertThat(release(keys).getFreedList()).containsExactly(range(GROUP, 10));
    assertThat(apply(Machine.SESSION, reserve(GROUP, 10)).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);
    assertThat(release(keys).getFreedList()).isEmpty();
    assertThat(reserved()).containsExactly(new BlockRange(GROUP, 10));
  }

  @Test
  void a_block_group_grows_and_is_dropped_only_when_empty() {
    hold(GROUP + GROUP_BLOCKS, 200);
    assertThat(apply(Machine.SESSION, reserve(GROUP + GROUP_BLOCKS + 150, 50)).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);
    hold(GROUP + GROUP_BLOCKS, 100); // late
    LogEntry.Builder drop =
        LogEntry.newBuilder()
            .setDropBlockGroups(
                DropBlockGroups.newBuilder()
                    .setFileSystem(Machine.FILE_SYSTEM)
                    .addAddresses(GROUP)
                    .addAddresses(GROUP + GROUP_BLOCKS));
    machine.apply(drop);

    SpaceRows space = new SpaceRows(machine.rows, Machine.FILE_SYSTEM);
    assertThat(space.heldBlockGroup(GROUP)).isNull();
    assertThat(space.heldBlockGroup(GROUP + GROUP_BLOCKS).getBlocks()).isEqualTo(200);
  }

  @Test
  void a_dropped_file_system_leaves_no_row_of_its_space_and_late_entries_change_nothing() {
    apply(Machine.SESSION, reserve(GROUP, 20));
    apply(Machine.SESSION, commit(0, 0, GROUP, 10));
    apply(Machine.SESSION, truncate(4096));
    List<byte[]> keys = quarantineKeys();
    machine.apply(
        LogEntry.newBuilder()
            .setDropFileSystem(DropFileSystem.newBuilder().setFileSystem(Machine.FILE_SYSTEM)));
    String before = machine.rows.dump();

    assertThat(release(keys).getKind()).isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(hold(GROUP, 100)).isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(apply(Machine.SESSION, reserve(GROUP, 1)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(machine.rows.dump()).isEqualTo(before);
    assertThat(before.lines().map(line -> line.substring(0, 2)))
        .doesNotContain("30", "61", "62", "63", "64");
  }
}
