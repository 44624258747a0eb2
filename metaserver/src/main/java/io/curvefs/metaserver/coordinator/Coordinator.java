package io.curvefs.metaserver.coordinator;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.raft.LeadershipListener;
import io.curvefs.metaserver.raft.RaftGroup;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.LogEntry;
import io.curvefs.rpc.NotLeaderException;
import io.curvefs.time.WallClock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** This server's replica of the coordinator group, and what only its leader knows. Thread-safe. */
public final class Coordinator {
  /** A client that is not heard of for so long is fenced. */
  public static final Duration LEASE = Duration.ofSeconds(20);

  private final RaftGroup<CoordinatorOutcome> raft;
  private final WallClock clock;
  private volatile @Nullable Reign reign;

  /** One term of leadership. */
  record Reign(long term, SessionLeases leases) {}

  public Coordinator(RaftGroup<CoordinatorOutcome> raft, WallClock clock) {
    this.raft = raft;
    this.clock = clock;
    raft.listen(
        new LeadershipListener() {
          @Override
          public void started(long term) {
            SessionLeases leases =
                new SessionLeases(
                    LEASE,
                    System::nanoTime,
                    tables().sessions().stream()
                        .map(session -> new SessionId(session.getId()))
                        .toList());
            reign = new Reign(term, leases);
          }

          @Override
          public void stopped() {
            reign = null;
          }
        });
  }

  CoordinatorTables tables() {
    return new CoordinatorTables(raft.rows());
  }

  RaftGroup<CoordinatorOutcome> raft() {
    return raft;
  }

  @Nullable Reign reign() {
    return reign;
  }

  /** Sessions that have a lease; 0 while this server does not lead. */
  public int sessions() {
    Reign current = reign;
    return current == null ? 0 : current.leases().count();
  }

  Reign requireReign() throws NotLeaderException {
    Reign current = reign;
    if (current == null) {
      throw new NotLeaderException(null);
    }
    return current;
  }

  /** Proposes a change of the tables. */
  CompletableFuture<CoordinatorOutcome> propose(Reign current, CoordinatorChange.Builder change) {
    return raft.propose(
        LogEntry.newBuilder().setTime(clock.now()).setCoordinator(change).build(), current.term());
  }

  /** The tables once everything acknowledged is in them and the cluster is formed. */
  CompletableFuture<CoordinatorTables> read() {
    return raft.readBarrier()
        .thenCompose(
            passed -> {
              CoordinatorTables tables = tables();
              return tables.isFormed()
                  ? CompletableFuture.completedFuture(tables)
                  : CompletableFuture.failedFuture(
                      new RefusedException(Refusal.BUSY, "the cluster is being formed"));
            });
  }
}
