package io.curvefs.metaserver.server;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.supply.Lenders;
import io.curvefs.metaserver.transaction.GroupPort;
import io.curvefs.proto.AskLoan;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Loan;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.RenewLoans;
import io.curvefs.rpc.Deadline;
import io.curvefs.time.WallClock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Asks the leaders of raft groups for free blocks. Thread-safe. */
final class ClusterLenders implements Lenders {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(5);

  private final ClusterMap map;
  private final GroupPort groups;

  ClusterLenders(ClusterMap map, GroupPort groups) {
    this.map = map;
    this.groups = groups;
  }

  /** Those behind the borrower come first, so that not all ask the same one. */
  @Override
  public List<GroupId> others(int fileSystem, GroupId borrower) {
    FileSystem found = map.activeFileSystems().get(fileSystem);
    return found == null
        ? List.of()
        : found.getPartitionGroupsList().stream()
            .distinct()
            .filter(group -> group != borrower.value())
            .sorted(
                Comparator.<Integer, Boolean>comparing(group -> group < borrower.value())
                    .thenComparing(Comparator.naturalOrder()))
            .map(GroupId::new)
            .toList();
  }

  @Override
  public CompletableFuture<Loan> lend(GroupId lender, AskLoan wanted) {
    return ask(lender, ParticipateRequest.newBuilder().setAskLoan(wanted))
        .thenApply(ParticipateReply::getLoan);
  }

  @Override
  public CompletableFuture<Loan> renew(GroupId lender, RenewLoans renew) {
    return ask(lender, ParticipateRequest.newBuilder().setRenewLoans(renew))
        .thenApply(ParticipateReply::getLoan);
  }

  @Override
  public CompletableFuture<@Nullable Void> end(GroupId lender, EndLoans end) {
    return ask(lender, ParticipateRequest.newBuilder().setEndLoans(end)).thenApply(done -> null);
  }

  private CompletableFuture<ParticipateReply> ask(
      GroupId lender, ParticipateRequest.Builder request) {
    return groups.ask(
        lender, request.setTime(WallClock.SYSTEM.now()).build(), Deadline.in(ANSWER_MAX));
  }
}
