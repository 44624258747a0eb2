package io.curvefs.metaserver.partition;

import io.curvefs.proto.Outcome;
import java.io.Serial;

/** The state is not what the planner saw. Not an error: the planner looks again. */
final class ConditionFailedException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  private final Outcome.Kind kind;

  private ConditionFailedException(Outcome.Kind kind, String what) {
    super(what, null, false, false);
    this.kind = kind;
  }

  static ConditionFailedException conflict(String what) {
    return new ConditionFailedException(Outcome.Kind.CONFLICT, what);
  }

  static ConditionFailedException locked() {
    return new ConditionFailedException(Outcome.Kind.LOCKED, "locked");
  }

  Outcome.Kind kind() {
    return kind;
  }
}
