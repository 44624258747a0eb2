package io.curvefs.objectstore.fault;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.fault.FaultScript.Effect;
import io.curvefs.objectstore.fault.FaultScript.Fault;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A store that misbehaves as told, by a script or by chance from a seed. Any thread may use it and
 * change what it does at any time. {@link #fired} proves that a fault really happened.
 */
public final class FaultyObjectStore implements ObjectStore {

  /** The operations that can be told apart. */
  public enum Operation {
    PUT,
    GET,
    DELETE,
    LIST
  }

  private final ObjectStore store;
  private final Object lock = new Object();

  private final FaultScript script;

  @GuardedBy("lock")
  private final Map<Operation, CompletableFuture<Void>> gates = new EnumMap<>(Operation.class);

  @GuardedBy("lock")
  private final Map<Operation, Integer> waiting = new EnumMap<>(Operation.class);

  /**
   * @param store closed with this one
   * @param seed of all chance in it; print it in the test
   */
  public FaultyObjectStore(ObjectStore store, long seed) {
    this.store = store;
    this.script = new FaultScript(seed);
  }

  /**
   * Refuses the n-th call from now, counted from 1, without any effect. Replaces the fault of this
   * operation.
   */
  public void failNth(Operation operation, int n, Kind kind) {
    script.set(operation, new Fault(Effect.REFUSE, kind, n - 1, 1, 1));
  }

  /** Refuses each call with this probability, 0 to 1. Replaces the fault of this operation. */
  public void failOften(Operation operation, double probability, Kind kind) {
    script.set(operation, new Fault(Effect.REFUSE, kind, 0, Long.MAX_VALUE, probability));
  }

  /**
   * Carries out the n-th call from now and then says it failed. Replaces the fault of this
   * operation.
   */
  public void loseReplyOfNth(Operation operation, int n, Kind kind) {
    script.set(operation, new Fault(Effect.LOSE_REPLY, kind, n - 1, 1, 1));
  }

  /** Returns the next gets as good with one bit flipped. Replaces the fault of GET. */
  public void corruptGets(int times) {
    script.set(Operation.GET, new Fault(Effect.CORRUPT, Kind.CORRUPT, 0, times, 1));
  }

  /**
   * Makes calls of this operation wait until {@link #release} or {@link #heal}; a put waits without
   * a thread.
   */
  public void hold(Operation operation) {
    synchronized (lock) {
      gates.computeIfAbsent(operation, ignored -> new CompletableFuture<>());
    }
  }

  /** Lets the calls go on that {@link #hold} stopped. */
  public void release(Operation operation) {
    CompletableFuture<Void> gate;
    synchronized (lock) {
      gate = gates.remove(operation);
    }
    if (gate != null) {
      gate.complete(null);
    }
  }

  /** Calls that wait for {@link #release} now. */
  public int held(Operation operation) {
    synchronized (lock) {
      return waiting.getOrDefault(operation, 0);
    }
  }

  /** Ends all faults and releases all calls. */
  public void heal() {
    script.clear();
    for (Operation operation : Operation.values()) {
      release(operation);
    }
  }

  /** Faults that happened to this operation so far, holds not counted. */
  public long fired(Operation operation) {
    return script.fired(operation);
  }

  @Override
  public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    Fault fault = script.next(Operation.PUT);
    enter(Operation.PUT)
        .thenCompose(
            open ->
                refuses(fault)
                    ? CompletableFuture.<Void>completedFuture(null)
                    : store.put(key, body))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                Throwable cause = failure.getCause();
                result.completeExceptionally(cause == null ? failure : cause);
              } else if (fault != null) {
                result.completeExceptionally(refusal(Operation.PUT, fault));
              } else {
                result.complete(null);
              }
            });
    return result;
  }

  @Override
  public void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into)
      throws ObjectStoreException {
    Fault fault = script.next(Operation.GET);
    run(Operation.GET, fault, () -> store.get(key, objectLength, offset, length, into));
    if (fault != null) {
      flipBit(into, length);
    }
  }

  @Override
  public void delete(Collection<String> keys) throws ObjectStoreException {
    run(Operation.DELETE, script.next(Operation.DELETE), () -> store.delete(keys));
  }

  @Override
  public ListPage list(String prefix, @Nullable String startAfter, int limit)
      throws ObjectStoreException {
    ListPage[] page = new ListPage[1];
    run(
        Operation.LIST,
        script.next(Operation.LIST),
        () -> page[0] = store.list(prefix, startAfter, limit));
    return page[0];
  }

  @Override
  public ObjectStoreMetrics metrics() {
    return store.metrics();
  }

  /** Releases all held calls and closes the store beneath. */
  @Override
  public void close() {
    heal();
    store.close();
  }

  private interface Call {
    void run() throws ObjectStoreException;
  }

  /** Blocks at the gate, then does what the fault leaves of the call. */
  private void run(Operation operation, @Nullable Fault fault, Call call)
      throws ObjectStoreException {
    try {
      enter(operation).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ObjectStoreException.interrupted("held in " + operation, e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("a gate never fails", e);
    }
    if (!refuses(fault)) {
      call.run();
    }
    if (fault != null && fault.effect() != Effect.CORRUPT) {
      throw refusal(operation, fault);
    }
  }

  private CompletableFuture<Void> enter(Operation operation) {
    CompletableFuture<Void> gate;
    synchronized (lock) {
      gate = gates.get(operation);
      if (gate == null) {
        return CompletableFuture.completedFuture(null);
      }
      waiting.merge(operation, 1, Integer::sum);
    }
    return gate.thenRun(
        () -> {
          synchronized (lock) {
            waiting.merge(operation, -1, Integer::sum);
          }
        });
  }

  private void flipBit(List<ByteBuffer> into, int length) {
    int at = script.anyBelow(length);
    for (ByteBuffer buffer : into) {
      if (at < buffer.remaining()) {
        int index = buffer.position() + at;
        buffer.put(index, (byte) (buffer.get(index) ^ 1));
        return;
      }
      at -= buffer.remaining();
    }
  }

  private static boolean refuses(@Nullable Fault fault) {
    return fault != null && fault.effect() == Effect.REFUSE;
  }

  private static ObjectStoreException refusal(Operation operation, Fault fault) {
    return new ObjectStoreException(
        fault.kind(), "injected: " + operation + " fails with " + fault.kind());
  }
}
