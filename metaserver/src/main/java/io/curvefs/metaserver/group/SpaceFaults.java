package io.curvefs.metaserver.group;

import io.curvefs.fault.FaultPoint;
import io.curvefs.proto.Effect;
import io.curvefs.proto.LogEntry;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The {@link FaultPoint}s that entries pass which change whose blocks are. */
enum SpaceFaults {
  RESERVE(FaultPoint.RESERVE_PLANNED, FaultPoint.RESERVE_APPLIED),
  COMMIT(FaultPoint.COMMIT_PLANNED, FaultPoint.COMMIT_APPLIED),
  RETURN(FaultPoint.RETURN_PLANNED, FaultPoint.RETURN_APPLIED),
  FREE(FaultPoint.FREE_PLANNED, FaultPoint.FREE_APPLIED),
  RECLAIM(FaultPoint.RECLAIM_PLANNED, FaultPoint.RECLAIM_APPLIED),
  RELEASE(FaultPoint.RELEASE_PLANNED, FaultPoint.RELEASE_APPLIED),
  EXPIRE(FaultPoint.EXPIRE_PLANNED, FaultPoint.EXPIRE_APPLIED),
  HOLD(FaultPoint.HOLD_PLANNED, FaultPoint.HOLD_APPLIED),
  DROP(FaultPoint.DROP_PLANNED, FaultPoint.DROP_APPLIED),
  LEND(FaultPoint.LEND_PLANNED, FaultPoint.LEND_APPLIED),
  BORROW(FaultPoint.BORROW_PLANNED, FaultPoint.BORROW_APPLIED),
  HAND_BACK(FaultPoint.HAND_BACK_PLANNED, FaultPoint.HAND_BACK_APPLIED),
  END_LOAN(FaultPoint.END_LOAN_PLANNED, FaultPoint.END_LOAN_APPLIED);

  final FaultPoint planned;
  final FaultPoint applied;

  SpaceFaults(FaultPoint planned, FaultPoint applied) {
    this.planned = planned;
    this.applied = applied;
  }

  /** Null: the entry is about something else. */
  static @Nullable SpaceFaults of(LogEntry entry) {
    return switch (entry.getBodyCase()) {
      case MUTATION ->
          entry.getMutation().getEffectsList().stream()
              .map(SpaceFaults::of)
              .filter(Objects::nonNull)
              .findFirst()
              .orElse(null);
      case FREE_CHUNKS -> RECLAIM;
      case RELEASE_QUARANTINE -> RELEASE;
      case EXPIRE_SESSION -> EXPIRE;
      case HOLD_BLOCK_GROUPS -> HOLD;
      case DROP_BLOCK_GROUPS -> DROP;
      case LEND_BLOCKS -> LEND;
      case BORROW_BLOCKS -> BORROW;
      case RETURN_BORROWED -> HAND_BACK;
      case END_LOANS -> END_LOAN;
      default -> null;
    };
  }

  private static @Nullable SpaceFaults of(Effect effect) {
    return switch (effect.getKindCase()) {
      case RESERVE_BLOCKS -> RESERVE;
      case COMMIT_BLOCKS -> COMMIT;
      case RETURN_BLOCKS -> RETURN;
      case PUNCH_HOLE -> FREE;
      case SET_ATTRIBUTES -> effect.getSetAttributes().hasLength() ? FREE : null;
      case CHANGE_LINKS -> effect.getChangeLinks().getDelta() < 0 ? FREE : null;
      default -> null;
    };
  }
}
