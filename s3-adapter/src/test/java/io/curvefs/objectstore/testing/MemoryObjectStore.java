package io.curvefs.objectstore.testing;

import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.ObjectStoreMetrics.Verb;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bucket in memory. Puts complete at once on the calling thread. Any number of threads may use
 * it. {@link #rewrites} tells whether somebody broke the rule that objects are written once.
 */
public final class MemoryObjectStore implements ObjectStore {

  private record Stored(byte[] bytes, Instant modified) {}

  private final ConcurrentSkipListMap<String, Stored> objects = new ConcurrentSkipListMap<>();
  private final ObjectStoreMetrics metrics = new ObjectStoreMetrics();
  private final AtomicLong rewrites = new AtomicLong();
  private final Clock clock;
  private volatile boolean closed;

  public MemoryObjectStore() {
    this(Clock.systemUTC());
  }

  public MemoryObjectStore(Clock clock) {
    this.clock = clock;
  }

  /** Puts that gave an existing key other bytes; always 0 if CurveFS is right. */
  public long rewrites() {
    return rewrites.get();
  }

  /** The keys there are now. */
  public Set<String> keys() {
    return Set.copyOf(objects.keySet());
  }

  /** A copy of the bytes of an object, or null. */
  public byte[] bytes(String key) {
    Stored stored = objects.get(key);
    return stored == null ? null : stored.bytes().clone();
  }

  @Override
  public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
    if (closed) {
      return CompletableFuture.failedFuture(refused("writing '" + key + "'"));
    }
    ByteBuffer all = ByteBuffer.allocate(body.stream().mapToInt(ByteBuffer::remaining).sum());
    body.forEach(buffer -> all.put(buffer.duplicate()));
    metrics.request(Verb.PUT);
    metrics.sent(all.capacity());
    Stored before = objects.put(key, new Stored(all.array(), clock.instant()));
    if (before != null && !Arrays.equals(before.bytes(), all.array())) {
      rewrites.incrementAndGet();
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into)
      throws ObjectStoreException {
    Objects.checkFromIndexSize(offset, length, objectLength);
    if (length < 1 || into.stream().mapToLong(ByteBuffer::remaining).sum() != length) {
      throw new IllegalArgumentException("the buffers do not fit a range of " + length);
    }
    requireOpen("reading '" + key + "'");
    metrics.request(Verb.GET);
    Stored stored = objects.get(key);
    if (stored == null) {
      throw failure(Kind.NOT_FOUND, "no object '" + key + "'");
    }
    if (stored.bytes().length != objectLength) {
      throw failure(
          Kind.CORRUPT,
          "'" + key + "' has " + stored.bytes().length + " bytes, not " + objectLength);
    }
    int from = offset;
    for (ByteBuffer buffer : into) {
      buffer.duplicate().put(stored.bytes(), from, buffer.remaining());
      from += buffer.remaining();
    }
    metrics.received(length);
  }

  @Override
  public void delete(Collection<String> keys) throws ObjectStoreException {
    requireOpen("deleting");
    for (int batch = 0; batch < keys.size(); batch += 1000) {
      metrics.request(Verb.DELETE);
    }
    keys.forEach(objects::remove);
  }

  @Override
  public ListPage list(String prefix, String startAfter, int limit) throws ObjectStoreException {
    if (limit < 1 || limit > 1000) {
      throw new IllegalArgumentException("a page of " + limit + " objects");
    }
    requireOpen("listing");
    metrics.request(Verb.LIST);
    boolean fromPrefix = startAfter == null || startAfter.compareTo(prefix) < 0;
    List<ListPage.Item> found =
        objects.tailMap(fromPrefix ? prefix : startAfter, fromPrefix).entrySet().stream()
            .takeWhile(entry -> entry.getKey().startsWith(prefix))
            .limit(limit + 1L)
            .map(
                e ->
                    new ListPage.Item(
                        e.getKey(), e.getValue().bytes().length, e.getValue().modified()))
            .toList();
    boolean more = found.size() > limit;
    return new ListPage(more ? found.subList(0, limit) : found, more);
  }

  @Override
  public ObjectStoreMetrics metrics() {
    return metrics;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void requireOpen(String doing) throws ObjectStoreException {
    if (closed) {
      throw refused(doing);
    }
  }

  private ObjectStoreException refused(String doing) {
    return failure(Kind.REJECTED, doing + ": the store is closed");
  }

  private ObjectStoreException failure(Kind kind, String message) {
    metrics.error();
    return new ObjectStoreException(kind, message);
  }
}
