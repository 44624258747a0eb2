package io.curvefs.client.meta;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.rpc.RefusalReply;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waits for answers, which come within the deadline they were asked with. */
final class Answers {
  private Answers() {}

  static <T> T await(CompletableFuture<T> answer) throws RefusedException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      Throwable cause = RefusalReply.unwrap(e);
      if (cause instanceof RefusedException refused) {
        throw refused;
      }
      throw new IllegalStateException(cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    }
  }
}
