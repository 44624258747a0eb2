package io.curvefs.rpc;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.RefusalMessage;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;

/** Refusals as they travel, and as futures carry them. */
public final class RefusalReply {
  private RefusalReply() {}

  /** The wire form of a failure: a refusal as it is, anything else as an internal error. */
  static RefusalMessage toMessage(Throwable failure) {
    Throwable cause = unwrap(failure);
    if (cause instanceof NotLeaderException notLeader) {
      RefusalMessage.Builder message =
          RefusalMessage.newBuilder()
              .setCode(Refusal.NOT_LEADER.code())
              .setDetail(Refusal.NOT_LEADER.text());
      notLeader.leader().ifPresent(message::setLeader);
      return message.build();
    }
    if (cause instanceof RefusedException refused) {
      return message(refused.refusal(), String.valueOf(refused.getMessage()));
    }
    if (cause instanceof RejectedExecutionException) {
      return message(Refusal.BUSY, "the metaserver has too much to do");
    }
    return message(Refusal.INTERNAL, "internal error: the metaserver's log has the cause");
  }

  private static RefusalMessage message(Refusal refusal, String detail) {
    return RefusalMessage.newBuilder().setCode(refusal.code()).setDetail(detail).build();
  }

  static Exception toException(RefusalMessage message) {
    Refusal refusal = Refusal.ofCode(message.getCode());
    if (refusal == Refusal.NOT_LEADER) {
      return new NotLeaderException(message.hasLeader() ? message.getLeader() : null);
    }
    return new RefusedException(refusal, message.getDetail());
  }

  /** What failed, without the wrappers of futures. */
  public static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
