package io.curvefs.metaserver.service;

import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.metaserver.supply.SpaceSupply;
import io.curvefs.metaserver.transaction.TransactionDriver;
import io.curvefs.proto.KeepOpenReply;
import io.curvefs.proto.KeepOpenRequest;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.rpc.Deadline;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/** What clients ask of a data group. Never blocks. Thread-safe. */
public final class NamespaceService {
  private final Reads reads;
  private final Mutations mutations;
  private final KeepOpens keepOpens;

  /**
   * @param readers run reads of many rows
   * @param checkers run what reads all rows of a file system, for minutes
   * @param transactionThreads run changes that wait for other groups; blocked most of the time
   * @param timer runs short tasks only
   */
  public NamespaceService(
      Placement placement,
      LiveSessions liveSessions,
      TransactionDriver transactions,
      Executor readers,
      Executor checkers,
      Executor transactionThreads,
      SpaceSupply supply,
      ScheduledExecutorService timer) {
    Admission admission = new Admission(liveSessions);
    this.reads = new Reads(admission, new SpaceReads(readers, checkers), readers, timer);
    this.mutations =
        new Mutations(placement, admission, transactions, transactionThreads, supply, timer);
    this.keepOpens = new KeepOpens(admission);
  }

  public CompletableFuture<ReadReply> read(
      DataGroup group, ReadRequest request, Deadline deadline) {
    return reads.handle(group, request, deadline);
  }

  public CompletableFuture<MutateReply> mutate(
      DataGroup group, MutateRequest request, Deadline deadline) {
    return mutations.handle(group, request, deadline);
  }

  public CompletableFuture<KeepOpenReply> keepOpen(DataGroup group, KeepOpenRequest request) {
    return keepOpens.handle(group, request);
  }
}
