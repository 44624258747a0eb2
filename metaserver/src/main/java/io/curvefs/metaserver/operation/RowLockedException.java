package io.curvefs.metaserver.operation;

import java.io.Serial;

/**
 * A row that the plan needs is about to be changed, or made, by a transaction that has been
 * prepared: what it will be is known in a moment.
 */
public final class RowLockedException extends CannotPlanYetException {
  @Serial private static final long serialVersionUID = 1;

  public RowLockedException() {
    super("locked");
  }
}
