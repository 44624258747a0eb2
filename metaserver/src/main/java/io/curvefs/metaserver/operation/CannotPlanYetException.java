package io.curvefs.metaserver.operation;

import java.io.Serial;

/** No plan can be made just here and now; not an answer to the request. Carries no stack trace. */
public abstract sealed class CannotPlanYetException extends Exception
    permits LooksElsewhereException, RowLockedException, ShortOfSpaceException {
  @Serial private static final long serialVersionUID = 1;

  CannotPlanYetException(String message) {
    super(message, null, false, false);
  }
}
