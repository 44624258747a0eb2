package io.curvefs.client.fuse.jnr;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place that turns a failure into what an application sees of it. */
final class Errnos {
  private static final Logger log = LoggerFactory.getLogger(Errnos.class);

  private Errnos() {}

  /**
   * An errno as it is; anything else is an input/output error, with its cause in the log.
   *
   * @param operation for the log
   */
  static int of(Callbacks.Place operation, Throwable failure) {
    if (failure instanceof RefusedException refused) {
      if (refused.refusal() == Refusal.EIO || !refused.refusal().isErrno()) {
        log.error("{}: {}", operation, refused.getMessage());
        return Refusal.EIO.code();
      }
      return refused.refusal().code();
    }
    if (failure instanceof IOException) {
      log.error("{}: {}", operation, failure.getMessage());
    } else {
      log.error("{} failed: a defect", operation, failure);
    }
    return Refusal.EIO.code();
  }
}
