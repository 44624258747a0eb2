package io.curvefs.metaserver.supply;

import io.curvefs.id.GroupId;
import io.curvefs.proto.AskLoan;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.Loan;
import io.curvefs.proto.RenewLoans;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The other raft groups of a file system, which have free blocks when the coordinator has no block
 * group left. Concurrent: yes. Never blocks. A request may arrive twice, and late. Fails with a
 * refusal when there is no answer within some seconds; whether it was carried out is open then.
 */
public interface Lenders {
  /** All raft groups of the file system but one, in an order of its own. */
  List<GroupId> others(int fileSystem, GroupId borrower);

  CompletableFuture<Loan> lend(GroupId lender, AskLoan ask);

  /** All that is lent to the borrower, under a new number. */
  CompletableFuture<Loan> renew(GroupId lender, RenewLoans renew);

  CompletableFuture<@Nullable Void> end(GroupId lender, EndLoans end);
}
