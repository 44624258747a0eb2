package io.curvefs.client.warmup;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.io.IOException;

/** Why a file was not cached, in one line. */
final class Reasons {
  static final String VANISHED = "vanished meanwhile";
  static final String CHANGED = "changed meanwhile, again and again";
  static final String NO_SUCH_FILE = "no such file or directory";

  private Reasons() {}

  static String of(IOException failure) {
    String message = failure.getMessage();
    return message == null ? failure.getClass().getSimpleName() : message.replace('\n', ' ');
  }

  /** Whether it says that there is nothing at a path. */
  static boolean isAbsence(IOException failure) {
    return failure instanceof RefusedException refused
        && (refused.refusal() == Refusal.ENOENT || refused.refusal() == Refusal.ENOTDIR);
  }
}
