package io.curvefs.rpc;

import com.google.protobuf.MessageLite;
import java.util.concurrent.CompletableFuture;

/** What a server does with a request. */
@FunctionalInterface
public interface RpcHandler {
  /**
   * Carries out a request. Called on an I/O thread: must not block. Concurrent: yes.
   *
   * @param deadline when the asker stops waiting; work that has not begun by then is not worth
   *     beginning
   * @return the reply, or a {@link RefusalReply}; a failed future is answered as an internal error
   */
  CompletableFuture<? extends MessageLite> handle(
      RpcMethod method, MessageLite request, Deadline deadline);
}
