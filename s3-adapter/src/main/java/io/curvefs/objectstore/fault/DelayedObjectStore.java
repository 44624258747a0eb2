package io.curvefs.objectstore.fault;

import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreMetrics;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A store that takes its time: every operation first waits for the latency. Any number of threads
 * may use it.
 */
public final class DelayedObjectStore implements ObjectStore {

  /** How time passes. A test may complete the futures by hand. */
  @FunctionalInterface
  public interface Pause {
    /** A future that completes once the duration has passed; it must not fail. */
    CompletableFuture<Void> lasting(Duration duration);

    /** The clock on the wall. */
    static Pause realTime() {
      return duration ->
          CompletableFuture.runAsync(
              () -> {},
              CompletableFuture.delayedExecutor(
                  duration.toNanos(), TimeUnit.NANOSECONDS, Runnable::run));
    }
  }

  private final ObjectStore store;
  private final Duration latency;
  private final Pause pause;

  /**
   * @param store closed with this one
   * @param latency before each operation
   */
  public DelayedObjectStore(ObjectStore store, Duration latency, Pause pause) {
    this.store = store;
    this.latency = latency;
    this.pause = pause;
  }

  @Override
  public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    pause
        .lasting(latency)
        .thenRun(
            () ->
                store
                    .put(key, body)
                    .whenComplete(
                        (done, failure) -> {
                          if (failure == null) {
                            result.complete(null);
                          } else {
                            result.completeExceptionally(failure);
                          }
                        }));
    return result;
  }

  @Override
  public void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into)
      throws ObjectStoreException {
    pause.lasting(latency).join();
    store.get(key, objectLength, offset, length, into);
  }

  @Override
  public void delete(Collection<String> keys) throws ObjectStoreException {
    pause.lasting(latency).join();
    store.delete(keys);
  }

  @Override
  public ListPage list(String prefix, @Nullable String startAfter, int limit)
      throws ObjectStoreException {
    pause.lasting(latency).join();
    return store.list(prefix, startAfter, limit);
  }

  @Override
  public ObjectStoreMetrics metrics() {
    return store.metrics();
  }

  @Override
  public void close() {
    store.close();
  }
}
