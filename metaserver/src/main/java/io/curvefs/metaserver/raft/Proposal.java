package io.curvefs.metaserver.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.LogEntry;
import io.curvefs.rpc.NotLeaderException;
import java.util.concurrent.CompletableFuture;

/**
 * An entry on its way through the log of this leader.
 *
 * @param <O> what the replica answers
 */
final class Proposal<O> implements Closure {
  private final long begun = System.nanoTime();
  private final LogEntry entry;
  private final CompletableFuture<O> outcome = new CompletableFuture<>();

  Proposal(LogEntry entry) {
    this.entry = entry;
  }

  LogEntry entry() {
    return entry;
  }

  /** How long ago it was made. */
  long ageNanos() {
    return System.nanoTime() - begun;
  }

  CompletableFuture<O> outcome() {
    return outcome;
  }

  void succeed(O value) {
    outcome.complete(value);
  }

  void fail(Throwable cause) {
    outcome.completeExceptionally(cause);
  }

  /** Called by JRaft when the entry will not be applied here; whether it was committed is open. */
  @Override
  public void run(Status status) {
    if (status.isOk()) {
      return; // applied: the state machine has answered
    }
    RaftError error = status.getRaftError();
    if (error == RaftError.EBUSY) {
      fail(new RefusedException(Refusal.BUSY, "the group's queue is full"));
    } else {
      fail(new NotLeaderException(null));
    }
  }
}
