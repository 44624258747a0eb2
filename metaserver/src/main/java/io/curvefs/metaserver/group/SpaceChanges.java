package io.curvefs.metaserver.group;

import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.partition.BlockRanges;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.FreeSpace;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.BorrowBlocks;
import io.curvefs.proto.DropBlockGroups;
import io.curvefs.proto.Effect;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.LendBlocks;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ReturnBorrowed;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.space.BlockRange;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Tells the leader's free space what became of entries that concern it. An entry whose fate is open
 * ends the term, and the free space with it.
 */
final class SpaceChanges {
  private final FreeSpace space;
  private final View rows;

  SpaceChanges(FreeSpace space, View rows) {
    this.space = space;
    this.rows = rows;
  }

  /** The same outcome, once the free space knows of it. */
  CompletableFuture<Outcome> follow(LogEntry entry, CompletableFuture<Outcome> outcome) {
    if (entry.hasMutation()) {
      return followMutation(entry.getMutation(), outcome);
    }
    if (entry.hasHoldBlockGroups()) {
      return outcome.whenComplete((done, failure) -> hold(entry.getHoldBlockGroups(), done));
    }
    if (entry.hasDropBlockGroups()) {
      return outcome.whenComplete((done, failure) -> drop(entry.getDropBlockGroups()));
    }
    if (entry.hasDropFileSystem()) {
      int fileSystem = entry.getDropFileSystem().getFileSystem();
      return outcome.whenComplete((done, failure) -> space.forget(fileSystem));
    }
    if (entry.hasReleaseQuarantine()) {
      int fileSystem = entry.getReleaseQuarantine().getFileSystem();
      return outcome.whenComplete((done, failure) -> free(fileSystem, done));
    }
    return followLoan(entry, outcome);
  }

  private CompletableFuture<Outcome> followLoan(
      LogEntry entry, CompletableFuture<Outcome> outcome) {
    if (entry.hasLendBlocks()) {
      LendBlocks lend = entry.getLendBlocks();
      return outcome.whenComplete(
          (done, failure) ->
              settle(lend.getFileSystem(), BlockRanges.of(lend.getRangesList()), done, failure));
    }
    if (entry.hasBorrowBlocks()) {
      return outcome.whenComplete((done, failure) -> borrow(entry.getBorrowBlocks(), done));
    }
    if (entry.hasReturnBorrowed()) {
      return outcome.whenComplete(
          (done, failure) -> returnBorrowed(entry.getReturnBorrowed(), done, failure));
    }
    if (entry.hasEndLoans()) {
      int fileSystem = entry.getEndLoans().getFileSystem();
      return outcome.whenComplete((done, failure) -> free(fileSystem, done));
    }
    return outcome;
  }

  private void borrow(BorrowBlocks borrow, @Nullable Outcome outcome) {
    if (outcome != null && outcome.getKind() == Outcome.Kind.APPLIED) {
      for (BlockGroup group : borrow.getGroupsList()) {
        Pool pool = new Pool(borrow.getFileSystem(), group.getPoolSet());
        space.holdBorrowed(pool, group.getAddress(), group.getBlocks());
      }
      free(borrow.getFileSystem(), outcome);
    }
  }

  private void returnBorrowed(
      ReturnBorrowed back, @Nullable Outcome outcome, @Nullable Throwable failure) {
    List<BlockRange> ranges = BlockRanges.of(back.getRangesList());
    settle(back.getFileSystem(), ranges, outcome, failure);
    SpaceRows held = new SpaceRows(rows, back.getFileSystem());
    for (BlockRange range : ranges) {
      long address = SpaceRows.groupOf(range.address());
      if (held.heldBlockGroup(address) == null) {
        space.forgetBorrowed(back.getFileSystem(), address);
      }
    }
  }

  private CompletableFuture<Outcome> followMutation(
      Mutation mutation, CompletableFuture<Outcome> outcome) {
    List<BlockRange> taken = new ArrayList<>();
    boolean returns = false;
    for (Effect effect : mutation.getEffectsList()) {
      taken.addAll(BlockRanges.of(effect.getReserveBlocks().getRangesList()));
      returns |= effect.hasReturnBlocks();
    }
    if (taken.isEmpty() && !returns) {
      return outcome;
    }
    return outcome.whenComplete(
        (done, failure) -> {
          if (!taken.isEmpty()) {
            settle(mutation.getFileSystem(), taken, done, failure);
          }
          free(mutation.getFileSystem(), done);
        });
  }

  /** What was taken for this entry is in the rows now, or it is free again. */
  private void settle(
      int fileSystem,
      List<BlockRange> taken,
      @Nullable Outcome outcome,
      @Nullable Throwable failure) {
    if (outcome == null) {
      // Another failure leaves open whether the entry is in the log: then the term is over.
      if (failure != null && RefusalReply.unwrap(failure) instanceof RefusedException) {
        space.release(fileSystem, taken);
      }
    } else if (outcome.getKind() != Outcome.Kind.APPLIED) {
      space.giveBackFree(fileSystem, taken, rows);
    }
  }

  private void free(int fileSystem, @Nullable Outcome outcome) {
    if (outcome != null && outcome.getKind() == Outcome.Kind.APPLIED) {
      space.release(fileSystem, BlockRanges.of(outcome.getFreedList()));
    }
  }

  private void hold(HoldBlockGroups hold, @Nullable Outcome outcome) {
    if (outcome != null && outcome.getKind() == Outcome.Kind.APPLIED) {
      for (BlockGroup group : hold.getGroupsList()) {
        Pool pool = new Pool(hold.getFileSystem(), group.getPoolSet());
        space.hold(pool, group.getAddress(), group.getBlocks());
      }
    }
  }

  private void drop(DropBlockGroups drop) {
    SpaceRows held = new SpaceRows(rows, drop.getFileSystem());
    for (long address : drop.getAddressesList()) {
      space.closed(drop.getFileSystem(), address, held.heldBlockGroup(address) == null);
    }
  }
}
