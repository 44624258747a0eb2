package io.curvefs.objectstore;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A bucket of immutable objects.
 *
 * <p>An object is written once and never overwritten with other bytes, so every operation may be
 * repeated. All methods may be called by any number of threads at once. Every call ends within the
 * bound of the store, with its result or with an {@link ObjectStoreException}; the store has then
 * already repeated what is worth repeating.
 *
 * <p>Buffers: only the bytes between position and limit are meant, in the order of the list.
 * Positions and limits are never moved, neither in success nor in failure. Direct buffers travel
 * without a copy.
 */
public interface ObjectStore extends AutoCloseable {

  /**
   * Writes one object and completes when it is durable in the store.
   *
   * <p>The caller must not change the buffers until the future completes. It completes on a thread
   * of the store, where nothing may block. A failed put may still arrive later, so its key must
   * never be given to other content; repeating it with the same content is fine. Partial objects
   * are never visible. Cancelling the future stops nothing.
   *
   * @return a future that fails with {@link ObjectStoreException}
   */
  CompletableFuture<Void> put(String key, List<ByteBuffer> body);

  /** Writes one object and waits for it; otherwise as {@link #put}. */
  default void putAndWait(String key, List<ByteBuffer> body) throws ObjectStoreException {
    CompletableFuture<Void> put = put(key, body);
    try {
      put.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ObjectStoreException.interrupted("writing '" + key + "'", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ObjectStoreException refusal) {
        throw refusal.seenByCaller();
      }
      throw new IllegalStateException("writing '" + key + "' failed unexpectedly", e.getCause());
    }
  }

  /**
   * Reads {@code length} bytes at {@code offset} into the buffers, which they fill exactly. Blocks
   * the calling thread; an interrupt ends it after the attempt under way.
   *
   * <p>Reading a whole object also compares it with the checksum that {@link #put} left beside it;
   * a part of an object is only checked for its length. After a failure the content of the buffers
   * is undefined.
   *
   * @param objectLength length of the whole object in bytes, at least 1; anything else found there
   *     is {@code CORRUPT}
   * @param offset first byte, 0 or more
   * @param length number of bytes, at least 1; the range lies within the object
   * @param into buffers with {@code length} bytes remaining in all, owned by the caller
   */
  void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into)
      throws ObjectStoreException;

  /**
   * Deletes objects; a missing one counts as deleted. Blocks the calling thread. After a failure
   * any part of them may be gone, and the call may be repeated. The bound of the store holds for
   * each thousand keys.
   */
  void delete(Collection<String> keys) throws ObjectStoreException;

  /**
   * Lists objects in the order of their keys. Blocks the calling thread.
   *
   * @param prefix what the keys begin with; empty for all
   * @param startAfter the last key of the page before, or null for the first page
   * @param limit number of objects, 1 to 1000
   */
  ListPage list(String prefix, @Nullable String startAfter, int limit) throws ObjectStoreException;

  /** What this store has asked of the network so far. */
  ObjectStoreMetrics metrics();

  /**
   * Ends all threads and connections of the store. Puts under way fail, blocking calls fail or
   * finish. May be repeated.
   */
  @Override
  void close();
}
