package io.curvefs.metaserver.supply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.partition.BlockRanges;
import io.curvefs.metaserver.partition.SpaceAudit;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.space.Want;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.StateStore;
import io.curvefs.metaserver.supply.Loans.Supplied;
import io.curvefs.metaserver.testing.Invariants;
import io.curvefs.metaserver.testing.LocalGroup;
import io.curvefs.metaserver.testing.MemoryBlockGroups;
import io.curvefs.metaserver.transaction.Participant;
import io.curvefs.proto.AskLoan;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.Effect;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.Loan;
import io.curvefs.proto.LoanCheck;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.RenewLoans;
import io.curvefs.proto.ReserveBlocks;
import io.curvefs.proto.ReturnBlocks;
import io.curvefs.space.BlockRange;
import io.curvefs.time.WallClock;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Raft groups with real logs that lend each other blocks, over a way that loses and repeats. */
@Timeout(120)
class LoansTest {
  private static final int GROUPS = 3;

  /** Of each raft group's only block group. */
  private static final int BLOCKS = 200;

  private static final Pool POOL = new Pool(LocalGroup.FILE_SYSTEM, "");

  @TempDir Path directory;
  private final Map<Integer, LocalGroup> groups = new TreeMap<>();
  private final Map<Integer, List<BlockRange>> reserved = new TreeMap<>();
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Way way = new Way();
  private long nanos;
  private final Loans loans = new Loans(way, () -> nanos, Duration.ofMillis(1));

  /** Asks the groups here, now and then in vain, twice, or long after. */
  private final class Way implements Lenders {
    boolean faulty;
    int silent;
    final Deque<Runnable> late = new ArrayDeque<>();

    @Override
    public List<GroupId> others(int fileSystem, GroupId borrower) {
      return groups.keySet().stream()
          .filter(id -> id != borrower.value())
          .map(GroupId::new)
          .toList();
    }

    private CompletableFuture<ParticipateReply> ask(
        GroupId lender, ParticipateRequest.Builder request) {
      if (lender.value() == silent) {
        return lost();
      }
      ParticipateRequest sent = request.setTime(WallClock.SYSTEM.now()).build();
      int fault = faulty ? random.nextInt(8) : -1;
      switch (fault) {
        case 0 -> {
          return lost();
        }
        case 1 -> {
          return handle(lender, sent).thenCompose(answer -> lost());
        }
        case 2 -> late.add(() -> handle(lender, sent).join());
        case 3 -> {
          return handle(lender, sent).thenCompose(first -> handle(lender, sent));
        }
        default -> {
          // it arrives once
        }
      }
      return handle(lender, sent);
    }

    private CompletableFuture<ParticipateReply> handle(GroupId lender, ParticipateRequest sent) {
      LocalGroup local = groups.get(lender.value());
      return Participant.handle(local.group(), sent)
          .whenComplete(
              (answer, failure) ->
                  loans.giveBack(local.group(), local.leadership(), LocalGroup.FILE_SYSTEM));
    }

    private <T> CompletableFuture<T> lost() {
      return CompletableFuture.failedFuture(new RefusedException(Refusal.UNREACHABLE, "lost"));
    }

    @Override
    public CompletableFuture<Loan> lend(GroupId lender, AskLoan ask) {
      return this.ask(lender, ParticipateRequest.newBuilder().setAskLoan(ask))
          .thenApply(ParticipateReply::getLoan);
    }

    @Override
    public CompletableFuture<Loan> renew(GroupId lender, RenewLoans renew) {
      return ask(lender, ParticipateRequest.newBuilder().setRenewLoans(renew))
          .thenApply(ParticipateReply::getLoan);
    }

    @Override
    public CompletableFuture<Void> end(GroupId lender, EndLoans end) {
      return ask(lender, ParticipateRequest.newBuilder().setEndLoans(end)).thenApply(done -> null);
    }
  }

  @BeforeEach
  void start() throws Exception {
    for (int id = 1; id <= GROUPS; id++) {
      LocalGroup local = new LocalGroup(directory.resolve("group" + id), new GroupId(id));
      groups.put(id, local);
      reserved.put(id, new ArrayList<>());
      local.apply(
          LogEntry.newBuilder()
              .setHoldBlockGroups(
                  HoldBlockGroups.newBuilder()
                      .setFileSystem(LocalGroup.FILE_SYSTEM)
                      .addGroups(
                          BlockGroup.newBuilder()
                              .setAddress(
                                  MemoryBlockGroups.FIRST
                                      + (long) id * MemoryBlockGroups.GROUP_BLOCKS)
                              .setBlocks(BLOCKS))));
    }
  }

  @AfterEach
  void stop() {
    groups.values().forEach(LocalGroup::close);
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, TimeUnit.SECONDS);
  }

  private long free(int id) {
    return groups.get(id).leadership().space().free(POOL);
  }

  /** Reserves blocks as a client's request does; borrows when there are too few. */
  private Supplied reserve(int id, int blocks) throws Exception {
    LocalGroup local = groups.get(id);
    while (true) {
      List<BlockRange> taken =
          local.leadership().space().take(POOL, new Want(blocks, blocks, 0, 1000, false));
      if (!taken.isEmpty()) {
        ReserveBlocks.Builder reserve = ReserveBlocks.newBuilder();
        taken.forEach(range -> reserve.addRanges(BlockRanges.message(range)));
        Outcome outcome = local.apply(Effect.newBuilder().setReserveBlocks(reserve));
        assertThat(outcome.getKind()).as("seed %d", seed).isEqualTo(Outcome.Kind.APPLIED);
        reserved.get(id).addAll(taken);
        return Supplied.SOME;
      }
      nanos += TimeUnit.SECONDS.toNanos(1);
      Supplied supplied = get(loans.borrow(local.group(), local.leadership(), POOL, blocks));
      if (supplied != Supplied.SOME) {
        return supplied;
      }
    }
  }

  private void free(int id, BlockRange range) throws Exception {
    groups
        .get(id)
        .apply(
            Effect.newBuilder()
                .setReturnBlocks(ReturnBlocks.newBuilder().addRanges(BlockRanges.message(range))));
    reserved.get(id).remove(range);
  }

  private void freeAll(int id) throws Exception {
    for (BlockRange range : List.copyOf(reserved.get(id))) {
      free(id, range);
    }
  }

  private void reconcile(int id) throws Exception {
    LocalGroup local = groups.get(id);
    get(loans.reconcile(local.group(), local.leadership(), LocalGroup.FILE_SYSTEM));
  }

  private void giveBack(int id) throws Exception {
    LocalGroup local = groups.get(id);
    local.leadership().space().wantBack(POOL);
    get(loans.giveBack(local.group(), local.leadership(), LocalGroup.FILE_SYSTEM));
  }

  /** What is lent of one group to another, as each of them says. */
  private List<LoanCheck> loansOf(int id) {
    return SpaceAudit.check(groups.get(id).group().rows(), LocalGroup.FILE_SYSTEM).getLoansList();
  }

  private void checkRows() {
    Set<Long> all = new HashSet<>();
    for (int id = 1; id <= GROUPS; id++) {
      // Of one moment: what was asked for may still be given back.
      try (StateStore.FrozenRows rows = groups.get(id).group().raft().freezeRows()) {
        Invariants.checkSpace(LocalGroup.FILE_SYSTEM, rows);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
      for (BlockRange range : reserved.get(id)) {
        for (int i = 0; i < range.count(); i++) {
          assertThat(all.add(range.address() + i)).as("seed %d: %s twice", seed, range).isTrue();
        }
      }
    }
  }

  @Test
  void one_group_can_use_every_block_and_gives_back_what_it_has_borrowed() throws Exception {
    for (int i = 0; i < GROUPS * BLOCKS / 10; i++) {
      assertThat(reserve(1, 10)).as("request %d", i).isEqualTo(Supplied.SOME);
    }
    assertThat(reserve(1, 1)).isEqualTo(Supplied.NONE);
    assertThat(reserve(2, 1)).isEqualTo(Supplied.NONE);
    checkRows();

    freeAll(1);
    giveBack(1);
    for (int id = 1; id <= GROUPS; id++) {
      assertThat(free(id)).as("group %d", id).isEqualTo(BLOCKS);
      assertThat(loansOf(id)).isEmpty();
    }
  }

  @Test
  void who_lacks_blocks_gets_those_that_others_have_borrowed_and_do_not_use() throws Exception {
    reserve(1, BLOCKS);
    assertThat(reserve(1, 150)).isEqualTo(Supplied.SOME);
    freeAll(1);
    assertThat(reserve(2, BLOCKS)).isEqualTo(Supplied.SOME);
    assertThat(reserve(3, BLOCKS)).isEqualTo(Supplied.SOME);
    checkRows();
  }

  @Test
  void who_does_not_answer_is_passed_over_and_is_no_reason_to_say_that_all_is_full()
      throws Exception {
    way.silent = 2;
    assertThat(reserve(1, 2 * BLOCKS)).isEqualTo(Supplied.SOME);
    assertThatThrownBy(() -> reserve(1, 1)).hasCauseInstanceOf(RefusedException.class);
    way.silent = 0;
    assertThat(reserve(1, BLOCKS)).isEqualTo(Supplied.SOME);
    assertThat(reserve(1, 1)).isEqualTo(Supplied.NONE);
  }

  @Test
  void a_loan_costs_an_entry_each_side_and_so_does_its_end() throws Exception {
    reserve(1, BLOCKS);
    long lender = index(2);
    long borrower = index(1);
    assertThat(reserve(1, 1)).isEqualTo(Supplied.SOME);
    assertThat(index(2)).as("the lender's log").isEqualTo(lender + 1);
    assertThat(index(1)).as("loan and reservation").isEqualTo(borrower + 2);
    giveBack(1);
    assertThat(index(2)).isEqualTo(lender + 2);
    assertThat(index(1)).isEqualTo(borrower + 3);
    for (int id = 1; id <= GROUPS; id++) {
      reconcile(id);
      reconcile(id);
    }
    assertThat(index(2)).as("to look costs none").isEqualTo(lender + 2);
  }

  private long index(int id) {
    byte[] stored = groups.get(id).group().rows().get(Keys.appliedIndex());
    return ByteBuffer.wrap(stored).getLong();
  }

  @Test
  void a_loan_whose_answer_is_lost_comes_back() throws Exception {
    LocalGroup lender = groups.get(2);
    get(
        Participant.handle(
            lender.group(),
            ParticipateRequest.newBuilder()
                .setTime(WallClock.SYSTEM.now())
                .setAskLoan(
                    AskLoan.newBuilder()
                        .setFileSystem(LocalGroup.FILE_SYSTEM)
                        .setBorrower(1)
                        .setBlocks(50))
                .build()));
    assertThat(free(2)).isLessThanOrEqualTo(BLOCKS - 50);
    groups.get(1).restart();
    reconcile(1);
    assertThat(free(2)).isEqualTo(BLOCKS);
    assertThat(loansOf(2)).isEmpty();
  }

  @Test
  void a_late_copy_of_an_end_ends_no_later_loan() throws Exception {
    reserve(1, BLOCKS);
    reserve(1, 1);
    SpaceRows.Lent first = rows(2).lentTo(1);
    giveBack(1);
    reserve(1, 60);
    SpaceRows.Lent second = rows(2).lentTo(1);
    assertThat(second.lastNumber()).isGreaterThan(first.lastNumber());
    EndLoans.Builder late =
        EndLoans.newBuilder()
            .setFileSystem(LocalGroup.FILE_SYSTEM)
            .setBorrower(1)
            .setNumberMax(first.lastNumber());
    first.ranges().forEach(range -> late.addRanges(BlockRanges.message(range)));
    groups.get(2).apply(LogEntry.newBuilder().setEndLoans(late));
    assertThat(rows(2).lentTo(1).lastNumber()).isEqualTo(second.lastNumber());
    assertThat(count(rows(2).lentTo(1).ranges())).isGreaterThanOrEqualTo(60);
    checkRows();
  }

  @Test
  void what_a_lender_has_grown_by_is_lent_as_well() throws Exception {
    assertThat(reserve(1, BLOCKS + 10)).isEqualTo(Supplied.SOME);
    groups
        .get(2)
        .apply(
            LogEntry.newBuilder()
                .setHoldBlockGroups(
                    HoldBlockGroups.newBuilder()
                        .setFileSystem(LocalGroup.FILE_SYSTEM)
                        .addGroups(
                            BlockGroup.newBuilder()
                                .setAddress(
                                    MemoryBlockGroups.FIRST + 2L * MemoryBlockGroups.GROUP_BLOCKS)
                                .setBlocks(BLOCKS + 77))));
    for (int i = 0; i < (GROUPS - 1) * BLOCKS - 10 + 77; i++) {
      assertThat(reserve(1, 1)).as("block %d", i).isEqualTo(Supplied.SOME);
    }
    assertThat(reserve(1, 1)).isEqualTo(Supplied.NONE);
    checkRows();
    freeAll(1);
    giveBack(1);
    assertThat(free(2)).isEqualTo(BLOCKS + 77);
  }

  private SpaceRows rows(int id) {
    return new SpaceRows(groups.get(id).group().rows(), LocalGroup.FILE_SYSTEM);
  }

  private static long count(List<BlockRange> ranges) {
    return ranges.stream().mapToLong(BlockRange::count).sum();
  }

  @RepeatedTest(3)
  void no_block_is_two_groups_and_none_is_lost_whatever_gets_lost_on_the_way() throws Exception {
    way.faulty = true;
    for (int step = 0; step < 400; step++) {
      int id = 1 + random.nextInt(GROUPS);
      try {
        switch (random.nextInt(12)) {
          case 0, 1, 2, 3, 4 -> reserve(id, 1 + random.nextInt(60));
          case 5, 6, 7 -> {
            List<BlockRange> own = reserved.get(id);
            if (!own.isEmpty()) {
              free(id, own.get(random.nextInt(own.size())));
            }
          }
          case 8 -> giveBack(id);
          case 9 -> reconcile(id);
          case 10 -> {
            if (!way.late.isEmpty()) {
              way.late.remove().run();
            }
          }
          default -> {
            if (random.nextInt(6) == 0) {
              groups.get(id).restart();
            } else {
              freeAll(id);
            }
          }
        }
      } catch (ExecutionException e) {
        assertThat(e).as("seed %d, step %d", seed, step).hasCauseInstanceOf(RefusedException.class);
      }
      checkRows();
    }
    way.faulty = false;
    way.late.forEach(Runnable::run);
    for (int id = 1; id <= GROUPS; id++) {
      freeAll(id);
      groups.get(id).restart();
    }
    for (int round = 0; round < 3; round++) {
      for (int id = 1; id <= GROUPS; id++) {
        reconcile(id);
        giveBack(id);
      }
    }
    checkRows();
    for (int id = 1; id <= GROUPS; id++) {
      assertThat(loansOf(id)).as("seed %d", seed).isEmpty();
      assertThat(free(id)).as("seed %d, group %d", seed, id).isEqualTo(BLOCKS);
    }
  }
}
