package io.curvefs.client.epochs;

import io.curvefs.client.bench.Crew;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.aws.S3Limits;
import io.curvefs.objectstore.aws.S3ObjectStore;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/** How fast objects can be had, through the client that the mount uses. One caller at a time. */
final class StoredObjects implements AutoCloseable {
  private final ObjectStore store;
  private final int threads;
  private final Crew crew = new Crew();
  private final List<ByteBuffer> buffers = new ArrayList<>();

  StoredObjects(S3Location bucket, int threads) {
    this.store = S3ObjectStore.open(bucket, S3Limits.DEFAULTS);
    this.threads = threads;
    for (int i = 0; i < threads; i++) {
      buffers.add(ByteBuffer.allocateDirect(Layout.BLOCK_BYTES));
    }
  }

  /**
   * Blocks and their lengths, by key.
   *
   * @param bucket directory with a file for each object
   */
  static Map<String, Long> in(Path bucket) throws IOException {
    Map<String, Long> objects = new TreeMap<>();
    FilesBelow.of(bucket)
        .forEach(
            (file, bytes) -> {
              String key = bucket.relativize(file).toString();
              if (ObjectKeys.parseBlock(key).isPresent()) {
                objects.put(key, bytes);
              }
            });
    return objects;
  }

  /** Gets each object once, shuffled; what arrives is checked. */
  Pass read(Map<String, Long> objects, long shuffle) throws IOException {
    List<Map.Entry<String, Long>> order = new ArrayList<>(objects.entrySet());
    Collections.shuffle(order, new Random(shuffle));
    AtomicInteger next = new AtomicInteger();
    double seconds =
        crew.run(
            threads,
            thread -> {
              int index;
              while ((index = next.getAndIncrement()) < order.size()) {
                Map.Entry<String, Long> object = order.get(index);
                int length = Math.toIntExact(object.getValue());
                ByteBuffer into = buffers.get(thread).clear().limit(length);
                store.get(object.getKey(), length, 0, length, List.of(into));
              }
            });
    long bytes = objects.values().stream().mapToLong(Long::longValue).sum();
    return new Pass(seconds, order.size(), bytes, order.size(), 0);
  }

  @Override
  public void close() {
    crew.close();
    store.close();
  }
}
