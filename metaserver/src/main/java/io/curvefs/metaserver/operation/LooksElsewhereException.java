package io.curvefs.metaserver.operation;

import java.io.Serial;

/** A plan needs rows of another group: it has to be made where waiting for them is possible. */
public final class LooksElsewhereException extends CannotPlanYetException {
  @Serial private static final long serialVersionUID = 1;

  public LooksElsewhereException() {
    super("looks elsewhere");
  }
}
