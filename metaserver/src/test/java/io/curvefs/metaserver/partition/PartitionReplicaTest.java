package io.curvefs.metaserver.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.testing.Invariants;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Create;
import io.curvefs.proto.DropFileSystem;
import io.curvefs.proto.Effect;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileType;
import io.curvefs.proto.FinishTransaction;
import io.curvefs.proto.Garbage;
import io.curvefs.proto.HoldRenameLock;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.InsertInode;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.PrepareTransaction;
import io.curvefs.proto.ReclaimOrphans;
import io.curvefs.proto.RemoveDirectory;
import io.curvefs.proto.ReplaceExtents;
import io.curvefs.proto.RequestId;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.SetXattr;
import io.curvefs.proto.StagedBlocks;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.TransactionId;
import io.curvefs.proto.Unlink;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PartitionReplicaTest {
  private static final TransactionId TRANSACTION =
      TransactionId.newBuilder().setHomeGroup(9).setTerm(1).setNumber(1).build();

  private final Machine machine = new Machine(1);

  @AfterEach
  void replays_to_the_same_bytes() {
    assertThat(machine.replay().dump()).isEqualTo(machine.rows.dump());
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static MutateRequest.Builder create(String name, FileType type) {
    return MutateRequest.newBuilder()
        .setCreate(
            Create.newBuilder().setParent(1).setName(bytes(name)).setType(type).setMode(0755));
  }

  private long created(String name, FileType type) throws Exception {
    return machine.execute(create(name, type)).getInode().getId();
  }

  private Outcome.Kind prepare(int part, Effect.Builder effect) {
    return machine
        .apply(
            LogEntry.newBuilder()
                .setPrepare(
                    PrepareTransaction.newBuilder()
                        .setId(TRANSACTION)
                        .setFileSystem(Machine.FILE_SYSTEM)
                        .setPart(part)
                        .addEffects(effect)))
        .getKind();
  }

  private void finish(boolean commit) {
    machine.apply(
        LogEntry.newBuilder()
            .setFinish(FinishTransaction.newBuilder().setId(TRANSACTION).setCommit(commit)));
  }

  private static Effect.Builder insert(String name, long child) {
    return Effect.newBuilder()
        .setInsertDentry(
            InsertDentry.newBuilder()
                .setParent(1)
                .setName(bytes(name))
                .setChild(child)
                .setType(FileType.REGULAR));
  }

  private static Effect.Builder links(long inode, int delta) {
    return Effect.newBuilder()
        .setChangeLinks(ChangeLinks.newBuilder().setInode(inode).setDelta(delta));
  }

  private Inode inode(long id) {
    return machine.namespace().inode(new InodeId(id));
  }

  @Test
  void a_request_that_arrives_twice_gets_the_first_answer() throws Exception {
    LogEntry.Builder entry = machine.plan(create("f", FileType.REGULAR), 1);
    Outcome first = machine.apply(entry.clone());
    Outcome second = machine.apply(entry.clone());

    assertThat(second.getKind()).isEqualTo(Outcome.Kind.REPEATED);
    assertThat(second.getInode()).isEqualTo(first.getInode());
    assertThat(inode(1).getEntries()).isEqualTo(1);
  }

  @Test
  void a_request_that_was_overtaken_in_its_slot_is_refused() throws Exception {
    LogEntry.Builder old = machine.plan(create("old", FileType.REGULAR), 1);
    machine.apply(machine.plan(create("new", FileType.REGULAR), 2));

    assertThat(machine.apply(old).getKind()).isEqualTo(Outcome.Kind.MISORDERED);
    assertThat(inode(1).getEntries()).isEqualTo(1);
  }

  @Test
  void a_request_of_an_expired_session_is_refused() throws Exception {
    LogEntry.Builder late = machine.plan(create("f", FileType.REGULAR), 1);
    machine.apply(
        LogEntry.newBuilder()
            .setExpireSession(ExpireSession.newBuilder().setSession(Machine.SESSION)));

    assertThat(machine.apply(late).getKind()).isEqualTo(Outcome.Kind.UNKNOWN_SESSION);
    assertThat(machine.rows.scan(Keys.slots(Machine.SESSION), null, 10)).isEmpty();
  }

  @Test
  void an_expired_session_is_not_admitted_again() throws Exception {
    LogEntry.Builder late = machine.plan(create("f", FileType.REGULAR), 1);
    machine.apply(
        LogEntry.newBuilder()
            .setExpireSession(ExpireSession.newBuilder().setSession(Machine.SESSION)));
    machine.apply(
        LogEntry.newBuilder()
            .setAdmitSession(AdmitSession.newBuilder().setSession(Machine.SESSION)));

    assertThat(machine.apply(late).getKind()).isEqualTo(Outcome.Kind.UNKNOWN_SESSION);
    assertThat(Slots.isAdmitted(machine.rows, Machine.SESSION)).isFalse();
  }

  @Test
  void when_one_condition_fails_nothing_of_the_entry_is_applied() throws Exception {
    created("taken", FileType.REGULAR);
    String before = machine.rows.dump();
    Mutation.Builder mutation =
        Mutation.newBuilder()
            .setFileSystem(Machine.FILE_SYSTEM)
            .setRequest(
                RequestId.newBuilder().setSession(Machine.SESSION).setSlot(1).setSequence(1))
            .addEffects(insert("free", 99))
            .addEffects(insert("taken", 99));

    assertThat(machine.apply(LogEntry.newBuilder().setMutation(mutation)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(machine.rows.dump()).isEqualTo(before);
  }

  @Test
  void a_prepared_change_shows_only_when_it_is_committed() throws Exception {
    long file = created("f", FileType.REGULAR);

    assertThat(prepare(0, insert("g", file))).isEqualTo(Outcome.Kind.APPLIED);
    assertThat(prepare(1, links(file, 1))).isEqualTo(Outcome.Kind.APPLIED);
    assertThat(machine.namespace().dentry(InodeId.ROOT, bytes("g"))).isNull();
    assertThat(inode(file).getNlink()).isEqualTo(1);

    finish(true);
    finish(true); // arrives twice
    assertThat(machine.namespace().dentry(InodeId.ROOT, bytes("g")).getChild()).isEqualTo(file);
    assertThat(inode(file).getNlink()).isEqualTo(2);
    Invariants.check(Machine.FILE_SYSTEM, List.of(machine.rows));
  }

  @Test
  void an_aborted_change_leaves_nothing() throws Exception {
    long file = created("f", FileType.REGULAR);
    String before = machine.rows.dump();
    prepare(0, insert("g", file));
    finish(false);

    assertThat(machine.rows.dump()).isEqualTo(before);
  }

  @Test
  void rows_of_a_prepared_change_are_locked_for_others() throws Exception {
    long file = created("f", FileType.REGULAR);
    prepare(0, insert("g", file));
    prepare(1, links(file, 1));

    assertThat(machine.execute(create("g", FileType.REGULAR)).getKind())
        .isEqualTo(Outcome.Kind.LOCKED);
    assertThat(
            machine
                .execute(
                    MutateRequest.newBuilder()
                        .setUnlink(Unlink.newBuilder().setParent(1).setName(bytes("f"))))
                .getKind())
        .isEqualTo(Outcome.Kind.LOCKED);
    assertThat(machine.execute(create("h", FileType.REGULAR)).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);

    finish(false);
    assertThat(machine.execute(create("g", FileType.REGULAR)).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);
  }

  @Test
  void a_directory_that_is_about_to_get_a_name_cannot_be_removed() throws Exception {
    long directory = created("d", FileType.DIRECTORY);
    prepare(
        0,
        Effect.newBuilder()
            .setInsertDentry(
                InsertDentry.newBuilder()
                    .setParent(directory)
                    .setName(bytes("x"))
                    .setChild(99)
                    .setType(FileType.REGULAR)));
    Mutation.Builder remove =
        Mutation.newBuilder()
            .setFileSystem(Machine.FILE_SYSTEM)
            .addEffects(
                Effect.newBuilder()
                    .setRemoveDirectory(RemoveDirectory.newBuilder().setInode(directory)));

    assertThat(machine.apply(LogEntry.newBuilder().setMutation(remove)).getKind())
        .isEqualTo(Outcome.Kind.LOCKED);
    finish(false);
  }

  @Test
  void only_one_transaction_holds_the_rename_lock() {
    Effect.Builder lock =
        Effect.newBuilder().setHoldRenameLock(HoldRenameLock.getDefaultInstance());
    assertThat(prepare(0, lock)).isEqualTo(Outcome.Kind.APPLIED);
    PrepareTransaction other =
        PrepareTransaction.newBuilder()
            .setId(TRANSACTION.toBuilder().setNumber(2))
            .setFileSystem(Machine.FILE_SYSTEM)
            .addEffects(lock)
            .build();

    assertThat(machine.apply(LogEntry.newBuilder().setPrepare(other)).getKind())
        .isEqualTo(Outcome.Kind.LOCKED);
    finish(true);
    assertThat(machine.apply(LogEntry.newBuilder().setPrepare(other)).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);
  }

  private void commit(long file, long slice, int offset, int length) throws Exception {
    machine.execute(
        MutateRequest.newBuilder()
            .setCommit(
                CommitExtents.newBuilder()
                    .setInode(file)
                    .setLength(offset + length)
                    .addChunks(
                        ChunkExtents.newBuilder().addExtents(extent(offset, length, slice)))));
  }

  private static Extent extent(int offset, int length, long slice) {
    return Extent.newBuilder()
        .setChunkOffset(offset)
        .setLength(length)
        .setSlice(slice)
        .setSliceLength(length)
        .build();
  }

  @Test
  void a_late_commit_changes_the_file_when_it_was_written_but_never_back() throws Exception {
    long file = created("f", FileType.REGULAR);
    Timestamp later = inode(file).getCtime().toBuilder().setSeconds(4_000_000_000L).build();
    Timestamp earlier = later.toBuilder().setSeconds(3_000_000_000L).build();
    for (Timestamp changed : List.of(later, earlier)) {
      machine.execute(
          MutateRequest.newBuilder()
              .setCommit(
                  CommitExtents.newBuilder()
                      .setInode(file)
                      .setLength(1)
                      .setMtime(earlier)
                      .setChanged(changed)));
      assertThat(inode(file).getCtime()).isEqualTo(later);
      assertThat(inode(file).getMtime()).isEqualTo(earlier);
    }
    commit(file, 5, 0, 100);
    assertThat(inode(file).getCtime()).as("of one that is not late").isNotEqualTo(later);
  }

  private static StagedBlocks staged(long writer, long first, long last) {
    return StagedBlocks.newBuilder().setWriter(writer).setFirst(first).setLast(last).build();
  }

  private void commit(long file, long slice, StagedBlocks... staged) throws Exception {
    machine.execute(
        MutateRequest.newBuilder()
            .setCommit(
                CommitExtents.newBuilder()
                    .setInode(file)
                    .setLength(100)
                    .addChunks(ChunkExtents.newBuilder().addExtents(extent(0, 100, slice)))
                    .addAllStaged(List.of(staged))));
  }

  private List<Long> marks(long file) {
    return inode(file).getJournalMarksList().stream()
        .map(mark -> 10 * mark.getWriter() + mark.getSequence())
        .toList();
  }

  @Test
  void a_file_remembers_how_far_the_last_four_journals_have_come() throws Exception {
    long file = created("f", FileType.REGULAR);
    commit(file, 5, staged(1, 1, 2), staged(2, 3, 3));
    commit(file, 6, staged(3, 1, 1));
    commit(file, 7, staged(1, 3, 4));
    commit(file, 8, staged(4, 1, 1));
    assertThat(marks(file)).containsExactly(23L, 31L, 14L, 41L);
    commit(file, 9, staged(5, 1, 1));
    assertThat(marks(file)).as("of five").containsExactly(31L, 14L, 41L, 51L);
    commit(file, 10, staged(5, 0, 1));
    commit(file, 11);
    assertThat(marks(file)).containsExactly(31L, 14L, 41L, 51L);
  }

  @Test
  void blocks_of_a_journal_are_committed_once_also_when_the_file_has_lost_them_since()
      throws Exception {
    long file = created("f", FileType.REGULAR);
    LogEntry.Builder late =
        machine.plan(
            MutateRequest.newBuilder()
                .setCommit(
                    CommitExtents.newBuilder()
                        .setInode(file)
                        .setLength(100)
                        .addChunks(ChunkExtents.newBuilder().addExtents(extent(0, 100, 9)))
                        .addStaged(staged(1, 2, 3))),
            1_000);
    commit(file, 5, staged(1, 1, 2));
    machine.execute(
        MutateRequest.newBuilder()
            .setSetAttributes(SetAttributes.newBuilder().setInode(file).setLength(10)));
    assertThat(marks(file)).containsExactly(12L);
    assertThatThrownBy(() -> commit(file, 6, staged(1, 1, 2)))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.CHANGED));
    assertThat(machine.apply(late).getKind())
        .as("planned before, applied after")
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(inode(file).getLength()).isEqualTo(10);
    commit(file, 7, staged(1, 3, 3));
    assertThat(marks(file)).containsExactly(13L);
  }

  @Test
  void blocks_that_are_dropped_with_what_the_file_had_are_not_committed_later() throws Exception {
    long file = created("f", FileType.REGULAR);
    machine.execute(
        MutateRequest.newBuilder()
            .setSetAttributes(
                SetAttributes.newBuilder()
                    .setInode(file)
                    .setLength(0)
                    .addStaged(staged(1, 1, 2))
                    .addStaged(staged(2, 3, 4))));
    assertThatThrownBy(() -> commit(file, 5, staged(1, 2, 2))).hasMessageContaining("changed");
    assertThatThrownBy(() -> commit(file, 5, staged(2, 4, 5))).hasMessageContaining("changed");
    assertThat(inode(file).getLength()).isZero();
  }

  @Test
  void blocks_of_no_journal_are_refused() throws Exception {
    long file = created("f", FileType.REGULAR);
    for (StagedBlocks none : List.of(staged(0, 1, 1), staged(1, 2, 1), staged(1, 0, 0))) {
      assertThatThrownBy(() -> commit(file, 5, none)).hasMessageContaining("journal");
    }
  }

  @Test
  void an_unlinked_file_that_may_be_open_stays_until_it_is_reclaimed() throws Exception {
    long file = created("f", FileType.REGULAR);
    commit(file, 5, 0, 100);
    machine.mayBeOpen = true;
    Outcome unlinked =
        machine.execute(
            MutateRequest.newBuilder()
                .setUnlink(Unlink.newBuilder().setParent(1).setName(bytes("f"))));

    assertThat(unlinked.getInode().getNlink()).isZero();
    assertThat(inode(file).getLength()).isEqualTo(100);
    Invariants.check(Machine.FILE_SYSTEM, List.of(machine.rows));

    ReclaimOrphans reclaim =
        ReclaimOrphans.newBuilder().setFileSystem(Machine.FILE_SYSTEM).addInodes(file).build();
    machine.apply(LogEntry.newBuilder().setReclaimOrphans(reclaim));
    machine.apply(LogEntry.newBuilder().setReclaimOrphans(reclaim)); // arrives twice
    assertThat(inode(file)).isNull();
    assertThat(machine.rows.scan(Keys.garbage(Machine.FILE_SYSTEM), null, 10)).hasSize(1);
    Invariants.check(Machine.FILE_SYSTEM, List.of(machine.rows));
  }

  @Test
  void a_truncate_makes_garbage_of_exactly_what_is_no_longer_shown() throws Exception {
    long file = created("f", FileType.REGULAR);
    commit(file, 5, 0, 100);
    commit(file, 6, 100, 100);
    machine.execute(
        MutateRequest.newBuilder()
            .setSetAttributes(SetAttributes.newBuilder().setInode(file).setLength(50)));

    Garbage garbage =
        Namespace.parse(
            machine.rows.scan(Keys.garbage(Machine.FILE_SYSTEM), null, 10).get(0).value(),
            Garbage.parser());
    assertThat(garbage.getSlicesList()).hasSize(1);
    assertThat(garbage.getSlices(0).getId()).isEqualTo(6);
    assertThat(inode(file).getAllocated()).isEqualTo(50);
  }

  @Test
  void a_compaction_keeps_what_was_written_meanwhile_on_top() throws Exception {
    long file = created("f", FileType.REGULAR);
    commit(file, 5, 0, 100);
    commit(file, 6, 50, 100);
    List<Extent> read = machine.namespace().chunk(new InodeId(file), 0).getExtentsList();
    commit(file, 7, 70, 10);
    Effect.Builder replace =
        Effect.newBuilder()
            .setReplaceExtents(
                ReplaceExtents.newBuilder()
                    .setInode(file)
                    .addAllBefore(read)
                    .addAfter(extent(0, 150, 8)));
    Mutation.Builder mutation =
        Mutation.newBuilder().setFileSystem(Machine.FILE_SYSTEM).addEffects(replace);

    assertThat(machine.apply(LogEntry.newBuilder().setMutation(mutation.clone())).getKind())
        .isEqualTo(Outcome.Kind.APPLIED);
    assertThat(machine.namespace().chunk(new InodeId(file), 0).getExtentsList())
        .extracting(Extent::getSlice)
        .containsExactly(8L, 7L);
    assertThat(machine.apply(LogEntry.newBuilder().setMutation(mutation)).getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    Invariants.check(Machine.FILE_SYSTEM, List.of(machine.rows));
  }

  private static SetXattr.Builder xattr(long file, int number) {
    return SetXattr.newBuilder().setInode(file).setName(bytes("user." + number));
  }

  @Test
  void an_inode_has_room_for_as_many_xattrs_as_a_listing_shows() throws Exception {
    long file = created("f", FileType.REGULAR);
    for (int i = 0; i < Namespace.XATTRS_MAX; i++) {
      machine.execute(MutateRequest.newBuilder().setSetXattr(xattr(file, i)));
    }

    assertThatThrownBy(
            () ->
                machine.execute(
                    MutateRequest.newBuilder().setSetXattr(xattr(file, Namespace.XATTRS_MAX))))
        .isInstanceOfSatisfying(
            RefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.ENOSPC));
    machine.execute(MutateRequest.newBuilder().setSetXattr(xattr(file, 0))); // there already
  }

  @Test
  void an_inode_with_too_many_xattrs_leaves_none_behind() throws Exception {
    long file = created("f", FileType.REGULAR);
    Mutation.Builder many = Mutation.newBuilder().setFileSystem(Machine.FILE_SYSTEM);
    for (int i = 0; i < 2 * Namespace.XATTRS_MAX + 1; i++) {
      many.addEffects(Effect.newBuilder().setSetXattr(xattr(file, i)));
    }
    machine.apply(LogEntry.newBuilder().setMutation(many));
    machine.execute(
        MutateRequest.newBuilder().setUnlink(Unlink.newBuilder().setParent(1).setName(bytes("f"))));

    assertThat(machine.rows.scan(Keys.xattrs(Machine.FILE_SYSTEM, file), null, 10)).isEmpty();
  }

  @Test
  void a_dropped_file_system_leaves_no_row() throws Exception {
    long file = created("f", FileType.REGULAR);
    commit(file, 5, 0, 100);
    machine.execute(
        MutateRequest.newBuilder()
            .setSetXattr(SetXattr.newBuilder().setInode(file).setName(bytes("user.x"))));
    LogEntry.Builder drop =
        LogEntry.newBuilder()
            .setDropFileSystem(DropFileSystem.newBuilder().setFileSystem(Machine.FILE_SYSTEM));
    while (machine.apply(drop.clone()).getKind() == Outcome.Kind.MORE) {
      assertThat(machine.log.size()).isLessThan(100);
    }

    assertThat(machine.rows.dump().lines())
        .allMatch(row -> row.startsWith("80") || row.startsWith("81"));
  }

  @Test
  void a_name_goes_into_a_directory_that_another_transaction_is_about_to_move() throws Exception {
    long directory = created("d", FileType.DIRECTORY);
    long file = created("f", FileType.REGULAR);
    TransactionId moving = TRANSACTION.toBuilder().setNumber(2).build();
    prepare(
        0,
        Effect.newBuilder()
            .setInsertDentry(
                InsertDentry.newBuilder()
                    .setParent(directory)
                    .setName(bytes("x"))
                    .setChild(file)
                    .setType(FileType.REGULAR)));
    assertThat(
            machine
                .apply(
                    LogEntry.newBuilder()
                        .setPrepare(
                            PrepareTransaction.newBuilder()
                                .setId(moving)
                                .setFileSystem(Machine.FILE_SYSTEM)
                                .addEffects(links(directory, 0))))
                .getKind())
        .isEqualTo(Outcome.Kind.APPLIED);

    finish(true);

    assertThat(machine.namespace().dentry(new InodeId(directory), bytes("x"))).isNotNull();
    machine.apply(
        LogEntry.newBuilder()
            .setFinish(FinishTransaction.newBuilder().setId(moving).setCommit(true)));
  }

  @Test
  void a_prepare_that_arrives_twice_names_the_inode_of_the_first() {
    PrepareTransaction.Builder prepare =
        PrepareTransaction.newBuilder().setId(TRANSACTION).setFileSystem(Machine.FILE_SYSTEM);
    Outcome first =
        machine.apply(LogEntry.newBuilder().setPrepare(prepare.clone().addEffects(inode(50, 1))));
    Outcome second =
        machine.apply(LogEntry.newBuilder().setPrepare(prepare.clone().addEffects(inode(51, 1))));

    assertThat(first.getInode().getId()).isEqualTo(50);
    assertThat(second.getInode().getId()).isEqualTo(50);
    finish(true);
    assertThat(inode(50)).isNotNull();
    assertThat(inode(51)).isNull();
  }

  private static Effect.Builder inode(long id, int links) {
    return Effect.newBuilder()
        .setInsertInode(
            InsertInode.newBuilder()
                .setInode(Inode.newBuilder().setId(id).setType(FileType.REGULAR).setNlink(links)));
  }

  @Test
  void a_transaction_that_is_committed_after_its_file_system_was_dropped_changes_nothing()
      throws Exception {
    long file = created("f", FileType.REGULAR);
    prepare(0, insert("g", file));
    prepare(1, inode(50, 1));
    machine.apply(
        LogEntry.newBuilder()
            .setDropFileSystem(DropFileSystem.newBuilder().setFileSystem(Machine.FILE_SYSTEM)));

    finish(true);

    assertThat(inode(50)).isNull();
    assertThat(machine.rows.scan(Keys.prepared(), null, 10)).isEmpty();
    assertThat(prepare(2, inode(51, 1))).isEqualTo(Outcome.Kind.CONFLICT);
  }
}
