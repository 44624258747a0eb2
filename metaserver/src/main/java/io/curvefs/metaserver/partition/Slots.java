package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.RequestId;
import io.curvefs.proto.SlotReply;
import org.jspecify.annotations.Nullable;

/**
 * Makes a request that arrives twice get the first answer, as the slot tables of NFSv4.1 do (RFC
 * 8881, section 2.10.6): a session has numbered slots, a slot remembers the sequence number and the
 * answer of its last request. Bounded by sessions times slots.
 */
public final class Slots {
  /** Slots that one session may use in one group. */
  public static final int PER_SESSION_MAX = 1024;

  private static final byte[] NOTHING = new byte[0];

  private Slots() {}

  /**
   * Whether the session may change and open things. One that has expired may not, even if an entry
   * that admits it was on its way meanwhile and came after.
   */
  public static boolean isAdmitted(View view, int session) {
    return view.get(Keys.session(session)) != null && !isExpired(view, session);
  }

  /** Whether the group has heard that the session is over. Ids of sessions are not used again. */
  public static boolean isExpired(View view, int session) {
    return view.get(Keys.expiredSession(session)) != null;
  }

  /**
   * The answer to a request that must not be carried out (again).
   *
   * @return null when the request is new
   */
  public static @Nullable Outcome answered(View view, RequestId request) {
    if (!isAdmitted(view, request.getSession())) {
      return outcome(Outcome.Kind.UNKNOWN_SESSION);
    }
    byte[] stored = view.get(Keys.slot(request.getSession(), request.getSlot()));
    if (stored == null) {
      return null;
    }
    SlotReply last = Namespace.parse(stored, SlotReply.parser());
    if (last.getSequence() == request.getSequence()) {
      return last.getOutcome().toBuilder().setKind(Outcome.Kind.REPEATED).build();
    }
    return request.getSequence() < last.getSequence() ? outcome(Outcome.Kind.MISORDERED) : null;
  }

  static void remember(WriteSet rows, RequestId request, Outcome outcome) {
    rows.put(
        Keys.slot(request.getSession(), request.getSlot()),
        SlotReply.newBuilder()
            .setSequence(request.getSequence())
            .setOutcome(outcome)
            .build()
            .toByteArray());
  }

  /**
   * Forgets a session but for the fact that it is over; requests of it that are still under way
   * will be refused.
   */
  static void expire(WriteSet rows, int session) {
    rows.put(Keys.expiredSession(session), NOTHING);
    rows.delete(Keys.session(session));
    for (View.Row slot : rows.scan(Keys.slots(session), null, PER_SESSION_MAX)) {
      rows.delete(slot.key());
    }
  }

  static Outcome outcome(Outcome.Kind kind) {
    return Outcome.newBuilder().setKind(kind).build();
  }
}
