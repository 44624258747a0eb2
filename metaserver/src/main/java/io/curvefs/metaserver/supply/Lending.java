package io.curvefs.metaserver.supply;

import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.BlockRanges;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.FreeSpace;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.proto.AskLoan;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.LendBlocks;
import io.curvefs.proto.Loan;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.RenewLoans;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.time.WallClock;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;

/**
 * The lender's side of {@link Loans}: what the leader of a raft group does when another asks for
 * free blocks. Never blocks. Thread-safe.
 */
public final class Lending {
  /** Of one loan: some 12 bytes each in the entry. */
  static final int RANGES_MAX = 4096;

  /** 2 GiB. */
  private static final int BLOCKS_MAX = 16 * VolumeLayout.GROUP_BLOCKS;

  private Lending() {}

  /** Lends what is asked for, or half of what is free here if that is more. */
  public static CompletableFuture<Loan> lend(DataGroup group, Leadership leadership, AskLoan ask) {
    Pool pool = new Pool(ask.getFileSystem(), ask.getPoolSet());
    FreeSpace space = leadership.space();
    // Who asks has heard that the coordinator has nothing left: spare blocks are needed here too.
    space.setExhausted(pool, true);
    int half = (int) Math.min(BLOCKS_MAX, space.free(pool) / 2);
    List<BlockRange> ranges =
        space.takeToLend(
            pool, Math.max(half, Math.min(BLOCKS_MAX, Math.max(1, ask.getBlocks()))), RANGES_MAX);
    if (ranges.isEmpty()) {
      return CompletableFuture.completedFuture(
          Loan.newBuilder().setProspect(prospect(group, leadership, pool)).build());
    }
    LendBlocks.Builder lend =
        LendBlocks.newBuilder()
            .setFileSystem(ask.getFileSystem())
            .setBorrower(ask.getBorrower())
            .addAllRanges(ranges.stream().map(BlockRanges::message).toList());
    return propose(group, leadership, lend)
        .thenApply(
            outcome ->
                outcome.getKind() == Outcome.Kind.APPLIED
                    ? loan(
                        group, ask.getFileSystem(), new SpaceRows.Lent(ranges, outcome.getNumber()))
                    : Loan.getDefaultInstance());
  }

  private static Loan.Prospect prospect(DataGroup group, Leadership leadership, Pool pool) {
    if (leadership.space().freeBorrowed(pool) > 0) {
      leadership.space().wantBack(pool);
      return Loan.Prospect.COMES_BACK;
    }
    return RestingSpace.isThere(group, leadership, pool)
        ? Loan.Prospect.RESTS
        : Loan.Prospect.NOTHING;
  }

  private static CompletableFuture<Outcome> propose(
      DataGroup group, Leadership leadership, LendBlocks.Builder lend) {
    return group.propose(
        leadership,
        LogEntry.newBuilder().setTime(WallClock.SYSTEM.now()).setLendBlocks(lend).build());
  }

  private static Loan loan(DataGroup group, int fileSystem, SpaceRows.Lent lent) {
    Loan.Builder loan = Loan.newBuilder().setNumber(lent.lastNumber());
    SpaceRows rows = new SpaceRows(group.rows(), fileSystem);
    LongStream addresses =
        lent.ranges().stream().mapToLong(range -> SpaceRows.groupOf(range.address())).distinct();
    for (long address : addresses.toArray()) {
      HeldBlockGroup held = rows.heldBlockGroup(address);
      if (held != null) {
        loan.addGroups(
            BlockGroup.newBuilder()
                .setAddress(address)
                .setBlocks(held.getBlocks())
                .setPoolSet(held.getPoolSet()));
      }
    }
    lent.ranges().forEach(range -> loan.addRanges(BlockRanges.message(range)));
    return loan.build();
  }

  /** Tells a borrower what it was lent; gives all of it a new number if that is wanted. */
  public static CompletableFuture<Loan> renew(
      DataGroup group, Leadership leadership, RenewLoans renew) {
    int fileSystem = renew.getFileSystem();
    SpaceRows rows = new SpaceRows(group.rows(), fileSystem);
    if (renew.getOnlyList()) {
      return group
          .barrier(leadership)
          .thenApply(passed -> loan(group, fileSystem, rows.lentTo(renew.getBorrower())));
    }
    LendBlocks.Builder again =
        LendBlocks.newBuilder()
            .setFileSystem(fileSystem)
            .setBorrower(renew.getBorrower())
            .setRenew(true);
    return propose(group, leadership, again)
        .thenApply(done -> loan(group, fileSystem, rows.lentTo(renew.getBorrower())));
  }
}
