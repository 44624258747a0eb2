package io.curvefs.metaserver.transaction;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.rpc.NotLeaderException;
import io.curvefs.rpc.RefusalReply;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waits for answers that come within their own deadline. */
final class Waiting {
  private Waiting() {}

  /** The answer of another group; none in time is a refusal. */
  static <T> T refusing(CompletableFuture<T> answer) throws RefusedException {
    try {
      return answer(answer);
    } catch (NotLeaderException e) {
      throw new RefusedException(
          Refusal.BUSY, "a group changes its leader, or the metaserver is stopping");
    }
  }

  /**
   * The answer of this server's own group, which may stop leading meanwhile.
   *
   * @throws NotLeaderException also when this server is stopping: the answer is open
   */
  static <T> T answer(CompletableFuture<T> answer) throws RefusedException, NotLeaderException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      Throwable cause = RefusalReply.unwrap(e);
      if (cause instanceof RefusedException refused) {
        throw refused;
      }
      if (cause instanceof NotLeaderException notLeader) {
        throw notLeader;
      }
      throw new IllegalStateException(cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NotLeaderException(null);
    }
  }
}
