package io.curvefs.objectstore.fault;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.fault.FaultyObjectStore.Operation;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Which calls a {@link FaultyObjectStore} shall spoil, and which it has spoilt. At most one fault
 * per operation.
 */
final class FaultScript {

  enum Effect {
    REFUSE,
    LOSE_REPLY,
    CORRUPT
  }

  /**
   * A fault in wait.
   *
   * @param skip calls it lets pass first
   * @param times calls it then tries to hit
   * @param probability with which it hits each of those
   */
  record Fault(Effect effect, Kind kind, long skip, long times, double probability) {}

  @GuardedBy("this")
  private final Random random;

  @GuardedBy("this")
  private final Map<Operation, Fault> faults = new EnumMap<>(Operation.class);

  @GuardedBy("this")
  private final Map<Operation, Long> fired = new EnumMap<>(Operation.class);

  FaultScript(long seed) {
    this.random = new Random(seed);
  }

  synchronized void set(Operation operation, Fault fault) {
    faults.put(operation, fault);
  }

  synchronized void clear() {
    faults.clear();
  }

  synchronized long fired(Operation operation) {
    return fired.getOrDefault(operation, 0L);
  }

  /** Takes note of a call and says what fault hits it, if any. */
  synchronized @Nullable Fault next(Operation operation) {
    Fault fault = faults.remove(operation);
    if (fault == null) {
      return null;
    }
    if (fault.skip() > 0) {
      faults.put(
          operation,
          new Fault(
              fault.effect(), fault.kind(), fault.skip() - 1, fault.times(), fault.probability()));
      return null;
    }
    if (fault.times() > 1) {
      faults.put(
          operation,
          new Fault(fault.effect(), fault.kind(), 0, fault.times() - 1, fault.probability()));
    }
    if (random.nextDouble() >= fault.probability()) {
      return null;
    }
    fired.merge(operation, 1L, Long::sum);
    return fault;
  }

  /** A random number from 0 to the bound, exclusive. */
  synchronized int anyBelow(int bound) {
    return random.nextInt(bound);
  }
}
