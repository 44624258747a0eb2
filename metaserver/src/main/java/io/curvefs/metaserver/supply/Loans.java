package io.curvefs.metaserver.supply;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.BlockRanges;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.FreeSpace;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.proto.AskLoan;
import io.curvefs.proto.BorrowBlocks;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.Loan;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.RenewLoans;
import io.curvefs.proto.ReturnBorrowed;
import io.curvefs.space.BlockRange;
import io.curvefs.time.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks that raft groups lend each other, so that a volume is full only when no block of it is
 * free. The lender sets them aside, then the borrower holds them; to return them, first the
 * borrower drops them, then the lender frees them. A block is never both's. Who dies in between
 * leaves blocks that are lent but not borrowed: {@link #reconcile} returns those.
 *
 * <p>A late copy of a message does no harm: one that asks for a loan makes another one, which is
 * returned; one that ends loans ends none that was made, or renewed, after it was sent. What a
 * borrower does for one file system is done one after the other, because a loan that is on its way
 * looks like one that was lost. Never blocks. Thread-safe.
 */
public final class Loans {
  private static final Logger log = LoggerFactory.getLogger(Loans.class);

  /** Rounds through all lenders while some say that borrowed blocks are coming back to others. */
  private static final int ROUNDS_MAX = 10;

  /** Before the next round: those that return blocks do so within a second. */
  private static final Duration PAUSE = Duration.ofMillis(300);

  /** How long it is believed that there is nothing to be borrowed. */
  private static final Duration NOTHING = Duration.ofMillis(500);

  private final Lenders lenders;
  private final LongSupplier nanoTime;
  private final Duration pause;
  private final Map<Line, Borrower> borrowers = new ConcurrentHashMap<>();

  private record Line(GroupId group, int fileSystem) {}

  /** What became of the wish for more blocks. */
  public enum Supplied {
    /** Some have come. */
    SOME,
    /** There are none, but some that rest elsewhere come free soon. */
    SOON,
    NONE
  }

  /** What lenders say, the better the later. */
  private enum Answer {
    NOTHING,
    RESTS,
    COMES_BACK,
    CAME;

    static Answer of(Loan.Prospect prospect) {
      return switch (prospect) {
        case RESTS -> RESTS;
        case COMES_BACK -> COMES_BACK;
        case NOTHING, UNRECOGNIZED -> NOTHING;
      };
    }
  }

  /**
   * @param nanoTime the monotonic clock, {@link System#nanoTime} outside of tests
   */
  public Loans(Lenders lenders, LongSupplier nanoTime) {
    this(lenders, nanoTime, PAUSE);
  }

  Loans(Lenders lenders, LongSupplier nanoTime, Duration pause) {
    this.lenders = lenders;
    this.nanoTime = nanoTime;
    this.pause = pause;
  }

  /**
   * Borrows blocks of other raft groups, because somebody waits for them.
   *
   * @return fails when nobody lends any, and a raft group that might have some cannot be asked now
   */
  public CompletableFuture<Supplied> borrow(
      DataGroup group, Leadership leadership, Pool pool, int blocks) {
    return borrower(group, leadership, pool.fileSystem()).borrow(pool, blocks);
  }

  /** Returns borrowed blocks that are free, where others want them or here are enough. */
  public CompletableFuture<@Nullable Void> giveBack(
      DataGroup group, Leadership leadership, int fileSystem) {
    FreeSpace space = leadership.space();
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (Pool pool : space.pools(fileSystem)) {
      long borrowed = space.freeBorrowed(pool);
      boolean wanted = space.takeWantedBack(pool);
      if (borrowed > 0
          && (wanted || space.free(pool) - borrowed >= BlockGroupKeeper.FREE_BLOCKS_KEPT)) {
        all.add(borrower(group, leadership, fileSystem).giveBack(pool));
      }
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).thenApply(done -> null);
  }

  /** Returns what is lent to the raft group and not in its rows. */
  public CompletableFuture<@Nullable Void> reconcile(
      DataGroup group, Leadership leadership, int fileSystem) {
    return borrower(group, leadership, fileSystem).reconcile();
  }

  private Borrower borrower(DataGroup group, Leadership leadership, int fileSystem) {
    return borrowers.compute(
        new Line(group.id(), fileSystem),
        (line, known) ->
            known != null && known.leadership == leadership
                ? known
                : new Borrower(group, leadership, fileSystem));
  }

  private static CompletableFuture<@Nullable Void> nothing() {
    return CompletableFuture.completedFuture(null);
  }

  /** One raft group for one file system, in one term. */
  private final class Borrower {
    private final DataGroup group;
    private final Leadership leadership;
    private final int fileSystem;
    private final SpaceRows rows;

    /** Ends when all that was begun has ended. */
    @GuardedBy("this")
    private CompletableFuture<?> last = nothing();

    /** Borrowing that is under way or, for a moment, has brought nothing. */
    @GuardedBy("this")
    private final Map<Pool, Borrowing> borrowing = new HashMap<>();

    /** The highest number of a loan that each lender has told of. */
    private final Map<Integer, Long> numbers = new ConcurrentHashMap<>();

    /** Whether something may be lent that is not in the rows. */
    @GuardedBy("this")
    private boolean unsure = true;

    Borrower(DataGroup group, Leadership leadership, int fileSystem) {
      this.group = group;
      this.leadership = leadership;
      this.fileSystem = fileSystem;
      this.rows = new SpaceRows(group.rows(), fileSystem);
    }

    /** Runs after all that was begun before, however that ends. */
    private synchronized <T> CompletableFuture<T> inTurn(Supplier<CompletableFuture<T>> step) {
      CompletableFuture<T> next =
          last.handle((done, failure) -> null).thenCompose(before -> step.get());
      last = next;
      return next;
    }

    private CompletableFuture<Outcome> propose(LogEntry.Builder entry) {
      return group.propose(leadership, entry.setTime(WallClock.SYSTEM.now()).build());
    }

    // ---- borrowing ----

    synchronized CompletableFuture<Supplied> borrow(Pool pool, int blocks) {
      Borrowing known = borrowing.get(pool);
      if (known != null && known.isBelieved()) {
        return known.result;
      }
      Borrowing begun =
          new Borrowing(inTurn(() -> askAll(pool, blocks, 1)).whenComplete(this::heard));
      borrowing.put(pool, begun);
      return begun.result;
    }

    /** A question to all lenders, and when it was answered. */
    private final class Borrowing {
      final CompletableFuture<Supplied> result;
      private volatile long answeredAt;

      Borrowing(CompletableFuture<Supplied> answer) {
        this.result = answer.whenComplete((supplied, failure) -> answeredAt = nanoTime.getAsLong());
      }

      boolean isBelieved() {
        return !result.isDone()
            || (!result.isCompletedExceptionally()
                && result.join() != Supplied.SOME
                && nanoTime.getAsLong() - answeredAt < NOTHING.toNanos());
      }
    }

    private synchronized void heard(@Nullable Supplied supplied, @Nullable Throwable failure) {
      unsure = true; // a question may have been answered twice, or an answer be lost
    }

    private CompletableFuture<Supplied> askAll(Pool pool, int blocks, int round) {
      return ask(pool, blocks, lenders.others(fileSystem, group.id()), 0, Answer.NOTHING, null)
          .thenCompose(
              best ->
                  switch (best) {
                    case CAME -> CompletableFuture.completedFuture(Supplied.SOME);
                    case NOTHING -> CompletableFuture.completedFuture(Supplied.NONE);
                    case RESTS -> CompletableFuture.completedFuture(Supplied.SOON);
                    case COMES_BACK ->
                        round == ROUNDS_MAX
                            ? CompletableFuture.completedFuture(Supplied.SOON)
                            : afterPause(() -> askAll(pool, blocks, round + 1));
                  });
    }

    private <T> CompletableFuture<T> afterPause(Supplier<CompletableFuture<T>> step) {
      Executor later = CompletableFuture.delayedExecutor(pause.toMillis(), TimeUnit.MILLISECONDS);
      return CompletableFuture.supplyAsync(step, later).thenCompose(begun -> begun);
    }

    /**
     * Asks one lender after the other until one lends something. Who does not answer holds up
     * nobody that another can help; but then it is not known either that there is nothing.
     *
     * @param best what the others have said
     * @param silent why one of them has not; null: all have
     */
    private CompletableFuture<Answer> ask(
        Pool pool,
        int blocks,
        List<GroupId> all,
        int next,
        Answer best,
        @Nullable Throwable silent) {
      if (next == all.size()) {
        return silent == null
            ? CompletableFuture.completedFuture(best)
            : CompletableFuture.failedFuture(silent);
      }
      GroupId lender = all.get(next);
      AskLoan ask =
          AskLoan.newBuilder()
              .setFileSystem(fileSystem)
              .setPoolSet(pool.poolSet())
              .setBorrower(group.id().value())
              .setBlocks(blocks)
              .build();
      return lenders
          .lend(lender, ask)
          .handle(
              (loan, failure) -> {
                if (loan == null) {
                  return ask(pool, blocks, all, next + 1, best, failure);
                }
                if (loan.getRangesCount() > 0) {
                  return hold(lender, loan);
                }
                Answer said = Answer.of(loan.getProspect());
                Answer better = said.compareTo(best) > 0 ? said : best;
                return ask(pool, blocks, all, next + 1, better, silent);
              })
          .thenCompose(answer -> answer);
    }

    private CompletableFuture<Answer> hold(GroupId lender, Loan loan) {
      log.debug(
          "group {}: borrows {} ranges of group {}", group.id(), loan.getRangesCount(), lender);
      BorrowBlocks borrow =
          BorrowBlocks.newBuilder()
              .setFileSystem(fileSystem)
              .setLender(lender.value())
              .setNumber(loan.getNumber())
              .addAllGroups(loan.getGroupsList())
              .addAllRanges(loan.getRangesList())
              .build();
      return propose(LogEntry.newBuilder().setBorrowBlocks(borrow))
          .thenCompose(
              outcome ->
                  outcome.getKind() == Outcome.Kind.APPLIED
                      ? CompletableFuture.completedFuture(Answer.CAME)
                      : CompletableFuture.failedFuture(
                          new RefusedException(Refusal.BUSY, "a loan does not fit what is held")));
    }

    // ---- returning ----

    CompletableFuture<@Nullable Void> giveBack(Pool pool) {
      return inTurn(
          () -> {
            List<BlockRange> free = leadership.space().takeBorrowed(pool, Lending.RANGES_MAX);
            return free.isEmpty() ? nothing() : giveBack(free);
          });
    }

    private CompletableFuture<@Nullable Void> giveBack(List<BlockRange> free) {
      Map<Integer, List<BlockRange>> byLender = new HashMap<>();
      for (BlockRange range : free) {
        HeldBlockGroup held = rows.heldBlockGroup(SpaceRows.groupOf(range.address()));
        if (held != null) {
          byLender.computeIfAbsent(held.getLender(), lender -> new ArrayList<>()).add(range);
        }
      }
      // Before the rows of what is returned go: they know the numbers.
      byLender.keySet().forEach(lender -> heardOf(lender, lastNumber(lender)));
      ReturnBorrowed.Builder back = ReturnBorrowed.newBuilder().setFileSystem(fileSystem);
      free.forEach(range -> back.addRanges(BlockRanges.message(range)));
      return propose(LogEntry.newBuilder().setReturnBorrowed(back))
          .thenCompose(
              outcome -> {
                if (outcome.getKind() != Outcome.Kind.APPLIED) {
                  return nothing();
                }
                List<CompletableFuture<?>> all = new ArrayList<>();
                byLender.forEach((lender, ranges) -> all.add(end(lender, ranges)));
                return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
              })
          .thenApply(done -> null);
    }

    /** The highest number of a loan that is in the rows. */
    private long lastNumber(int lender) {
      return rows.heldBlockGroups().stream()
          .filter(held -> held.group().getLender() == lender)
          .mapToLong(held -> held.group().getGiven())
          .max()
          .orElse(0);
    }

    private void heardOf(int lender, long number) {
      numbers.merge(lender, number, Math::max);
    }

    private CompletableFuture<@Nullable Void> end(int lender, List<BlockRange> ranges) {
      log.debug("group {}: returns {} ranges to group {}", group.id(), ranges.size(), lender);
      EndLoans.Builder end =
          EndLoans.newBuilder()
              .setFileSystem(fileSystem)
              .setBorrower(group.id().value())
              .setNumberMax(numbers.getOrDefault(lender, 0L));
      ranges.forEach(range -> end.addRanges(BlockRanges.message(range)));
      return lenders
          .end(new GroupId(lender), end.build())
          .whenComplete((done, failure) -> heard(null, failure));
    }

    // ---- what got lost ----

    CompletableFuture<@Nullable Void> reconcile() {
      synchronized (this) {
        if (!unsure) {
          return nothing();
        }
        unsure = false;
      }
      return inTurn(
          () -> {
            List<CompletableFuture<?>> all = new ArrayList<>();
            for (GroupId lender : lenders.others(fileSystem, group.id())) {
              all.add(reconcile(lender).whenComplete(this::doubt));
            }
            return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
                .thenApply(done -> null);
          });
    }

    private synchronized void doubt(@Nullable Void done, @Nullable Throwable failure) {
      unsure |= failure != null;
    }

    private CompletableFuture<@Nullable Void> reconcile(GroupId lender) {
      RenewLoans.Builder renew =
          RenewLoans.newBuilder().setFileSystem(fileSystem).setBorrower(group.id().value());
      return lenders
          .renew(lender, renew.clone().setOnlyList(true).build())
          .thenCompose(
              listed -> {
                heardOf(lender.value(), listed.getNumber());
                return lost(lender, listed).isEmpty()
                    ? nothing()
                    : lenders
                        .renew(lender, renew.build())
                        .thenCompose(renewed -> returnLost(lender, renewed));
              });
    }

    private CompletableFuture<@Nullable Void> returnLost(GroupId lender, Loan renewed) {
      heardOf(lender.value(), renewed.getNumber());
      List<BlockRange> lost = lost(lender, renewed);
      log.info(
          "group {}: {} ranges that group {} has lent did not arrive; they are returned",
          group.id(),
          lost.size(),
          lender);
      return lost.isEmpty() ? nothing() : end(lender.value(), lost);
    }

    /** What is lent and not in the rows. */
    private List<BlockRange> lost(GroupId lender, Loan lent) {
      return BlockRanges.of(lent.getRangesList()).stream()
          .flatMap(range -> rows.notBorrowed(lender.value(), range).stream())
          .sorted(Comparator.naturalOrder())
          .toList();
    }
  }
}
