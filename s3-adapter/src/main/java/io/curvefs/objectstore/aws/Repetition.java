package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreException;
import java.time.Duration;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides for one call whether and when to try again: as often as its time allows, after pauses
 * that double and are partly random. Used by one thread at a time.
 */
final class Repetition {

  private static final long PAUSE_NANOS_MAX = Duration.ofSeconds(2).toNanos();
  private static final long FIRST_PAUSE_NANOS = Duration.ofMillis(50).toNanos();

  /** A store that asks for less gets it. */
  private static final long FIRST_OVERLOAD_PAUSE_NANOS = Duration.ofMillis(200).toNanos();

  private static final long OVERLOAD_PAUSE_NANOS_MAX = Duration.ofSeconds(5).toNanos();

  /** A body that comes complete and wrong this often is wrong in the store. */
  private static final int DAMAGED_BODIES_MAX = 4;

  private static final int DOUBLINGS_MAX = 20;

  private final LongSupplier nanoClock;
  private final DoubleSupplier chance;
  private final long boundNanos;
  private final long wholeNanos;
  private long startNanos;

  /** Since when nothing but failures came. */
  private long failingSinceNanos;

  private int failures;
  private int damagedBodies;
  private @Nullable ObjectStoreException last;

  /**
   * @param bound of the whole call
   * @param chance random numbers from 0 to 1
   */
  Repetition(Duration bound, LongSupplier nanoClock, DoubleSupplier chance) {
    this(bound, bound, nanoClock, chance);
  }

  /**
   * @param bound of failing
   * @param whole bound of the whole call, with attempts that go on because bytes move
   * @param chance random numbers from 0 to 1
   */
  Repetition(Duration bound, Duration whole, LongSupplier nanoClock, DoubleSupplier chance) {
    this.nanoClock = nanoClock;
    this.chance = chance;
    this.boundNanos = bound.toNanos();
    this.wholeNanos = whole.toNanos();
    begin();
  }

  /** The call's time counts from now. */
  void begin() {
    startNanos = nanoClock.getAsLong();
    failingSinceNanos = startNanos;
  }

  /** The attempt that has just failed had moved bytes for long. */
  void moved() {
    failingSinceNanos = nanoClock.getAsLong();
  }

  /** What is left of the call's time, at least a millisecond. */
  Duration timeLeft() {
    return Duration.ofNanos(Math.max(1_000_000, wholeNanos - (nanoClock.getAsLong() - startNanos)));
  }

  /**
   * Takes note of a failed attempt and says how long to pause before the next.
   *
   * @param failure of this attempt
   * @return the pause in nanoseconds
   * @throws ObjectStoreException if there shall be no next attempt: the failure that explains best
   *     why
   */
  long pauseAfter(ObjectStoreException failure) throws ObjectStoreException {
    ObjectStoreException before = last;
    // What came before says more than that some time is over.
    ObjectStoreException telling =
        before != null && S3Failures.outOfTime(failure) ? before : failure;
    last = telling;
    long now = nanoClock.getAsLong();
    long left = Math.min(boundNanos - (now - failingSinceNanos), wholeNanos - (now - startNanos));
    long pause =
        switch (failure.kind()) {
          case UNREACHABLE -> pause(FIRST_PAUSE_NANOS, PAUSE_NANOS_MAX);
          case OVERLOADED -> pause(FIRST_OVERLOAD_PAUSE_NANOS, OVERLOAD_PAUSE_NANOS_MAX);
          case CORRUPT -> pauseAfterDamage(failure);
          case NOT_FOUND, NO_SUCH_BUCKET, ACCESS_DENIED, REJECTED -> throw failure;
        };
    if (pause >= left) {
      throw telling;
    }
    return pause;
  }

  private long pauseAfterDamage(ObjectStoreException failure) throws ObjectStoreException {
    if (S3Failures.isCompleteDamage(failure) && ++damagedBodies == DAMAGED_BODIES_MAX) {
      throw failure;
    }
    return pause(FIRST_PAUSE_NANOS, PAUSE_NANOS_MAX);
  }

  /**
   * Half of it certain, half of it chance, so that clients that failed together do not come back
   * together.
   */
  private long pause(long first, long longest) {
    long full = Math.min(longest, first << Math.min(failures, DOUBLINGS_MAX));
    failures++;
    return (long) (full * (1 + chance.getAsDouble()) / 2);
  }
}
