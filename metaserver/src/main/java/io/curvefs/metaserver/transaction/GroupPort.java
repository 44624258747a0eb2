package io.curvefs.metaserver.transaction;

import io.curvefs.id.GroupId;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.rpc.Deadline;
import java.util.concurrent.CompletableFuture;

/**
 * The way to a group's leader, wherever it is. Concurrent: yes. A request may arrive more than
 * once.
 */
@FunctionalInterface
public interface GroupPort {
  /** Fails with a {@link io.curvefs.error.RefusedException} when no leader answers in time. */
  CompletableFuture<ParticipateReply> ask(
      GroupId group, ParticipateRequest request, Deadline deadline);
}
