package io.curvefs.metaserver.testing;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.supply.Lenders;
import io.curvefs.proto.AskLoan;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.Loan;
import io.curvefs.proto.RenewLoans;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A file system with one raft group. */
public final class NoLenders implements Lenders {
  @Override
  public List<GroupId> others(int fileSystem, GroupId borrower) {
    return List.of();
  }

  @Override
  public CompletableFuture<Loan> lend(GroupId lender, AskLoan ask) {
    throw new AssertionError("there is no other raft group");
  }

  @Override
  public CompletableFuture<Loan> renew(GroupId lender, RenewLoans renew) {
    throw new AssertionError("there is no other raft group");
  }

  @Override
  public CompletableFuture<Void> end(GroupId lender, EndLoans end) {
    throw new AssertionError("there is no other raft group");
  }
}
