package io.curvefs.space.device.fault;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A device that misbehaves as told. Any thread may use it and change what it does at any time.
 * {@link #fired} proves that a fault really happened. At most one fault waits per operation.
 */
public final class FaultyDevice implements BlockDevice {

  /** The operations that can be told apart. */
  public enum Operation {
    READ,
    WRITE,
    FLUSH,
    DISCARD
  }

  /**
   * A fault in wait.
   *
   * @param skip calls that pass before it
   * @param times calls that it then hits
   * @param keptBytes of a write: how much of it reaches the device
   */
  private record Fault(long skip, long times, int keptBytes) {}

  private final BlockDevice device;

  @GuardedBy("this")
  private final Map<Operation, Fault> faults = new EnumMap<>(Operation.class);

  @GuardedBy("this")
  private final Map<Operation, Long> fired = new EnumMap<>(Operation.class);

  @GuardedBy("this")
  private final Set<Operation> held = EnumSet.noneOf(Operation.class);

  @GuardedBy("this")
  private final Map<Operation, Integer> waiting = new EnumMap<>(Operation.class);

  @GuardedBy("this")
  private long epoch;

  /**
   * @param device closed with this one
   */
  public FaultyDevice(BlockDevice device) {
    this.device = device;
  }

  /** Refuses the n-th call from now, counted from 1, without any effect. */
  public void failNth(Operation operation, int n) {
    set(operation, new Fault(n - 1, 1, 0));
  }

  /** Refuses all calls from now until {@link #heal}. */
  public void failAll(Operation operation) {
    set(operation, new Fault(0, Long.MAX_VALUE, 0));
  }

  /**
   * Has the n-th write from now, counted from 1, fail after its first bytes have reached the
   * device; not only whole blocks.
   */
  public void tearNthWrite(int n, int keptBytes) {
    set(Operation.WRITE, new Fault(n - 1, 1, keptBytes));
  }

  private synchronized void set(Operation operation, Fault fault) {
    faults.put(operation, fault);
  }

  /** Makes calls wait until {@link #release} or {@link #heal}. */
  public synchronized void hold(Operation operation) {
    held.add(operation);
  }

  /** Lets the calls go on that {@link #hold} stopped. */
  public synchronized void release(Operation operation) {
    held.remove(operation);
    notifyAll();
  }

  /** Calls that wait for {@link #release} now. */
  public synchronized int held(Operation operation) {
    return waiting.getOrDefault(operation, 0);
  }

  /** Ends all faults and releases all calls. */
  public synchronized void heal() {
    faults.clear();
    held.clear();
    notifyAll();
  }

  /** Faults that happened to this operation so far, holds not counted. */
  public synchronized long fired(Operation operation) {
    return fired.getOrDefault(operation, 0L);
  }

  /** Waits while the operation is held, and says what fault hits this call. */
  private synchronized @Nullable Fault enter(Operation operation) {
    boolean interrupted = false;
    waiting.merge(operation, 1, Integer::sum);
    while (held.contains(operation)) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    waiting.merge(operation, -1, Integer::sum);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    Fault fault = faults.remove(operation);
    if (fault == null) {
      return null;
    }
    if (fault.skip() > 0) {
      faults.put(operation, new Fault(fault.skip() - 1, fault.times(), fault.keptBytes()));
      return null;
    }
    if (fault.times() > 1) {
      faults.put(operation, new Fault(0, fault.times() - 1, fault.keptBytes()));
    }
    fired.merge(operation, 1L, Long::sum);
    return fault;
  }

  private IOException injected(Operation operation) {
    return new IOException("injected: " + operation + " of " + name() + " fails");
  }

  private void refuse(Operation operation) throws IOException {
    if (enter(operation) != null) {
      throw injected(operation);
    }
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public long size() {
    return device.size();
  }

  @Override
  public long refreshSize() throws IOException {
    return device.refreshSize();
  }

  @Override
  public void read(ByteBuffer into, long offset) throws IOException {
    refuse(Operation.READ);
    device.read(into, offset);
  }

  @Override
  public void write(ByteBuffer from, long offset) throws IOException {
    Fault fault = enter(Operation.WRITE);
    if (fault == null) {
      device.write(from, offset);
      return;
    }
    BlockRange range = BlockRange.of(from, offset).within(this);
    if (fault.keptBytes() > 0) {
      ByteBuffer torn = ByteBuffer.allocateDirect((int) range.length());
      device.read(torn, offset);
      int kept = Math.min(fault.keptBytes(), torn.capacity());
      torn.put(0, from, from.position(), kept);
      device.write(torn, offset);
    }
    throw injected(Operation.WRITE);
  }

  /** When it fails as told, the writes before it may count as lost, as on a real device. */
  @Override
  public void flush() throws IOException {
    if (enter(Operation.FLUSH) != null) {
      synchronized (this) {
        epoch++;
      }
      throw injected(Operation.FLUSH);
    }
    device.flush();
  }

  @Override
  public synchronized long epoch() {
    return device.epoch() + epoch;
  }

  @Override
  public boolean discard(long offset, long length) throws IOException {
    refuse(Operation.DISCARD);
    return device.discard(offset, length);
  }

  /** Releases all held calls and closes the device beneath. */
  @Override
  public void close() {
    heal();
    device.close();
  }
}
