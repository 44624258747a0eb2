package io.curvefs.client.bench;

import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.aws.S3Limits;
import io.curvefs.objectstore.aws.S3ObjectStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/**
 * What the object store itself can do with objects of the size that the mount writes, through the
 * client that the mount uses. One caller at a time; {@link #close} from any thread.
 */
final class RawS3 implements AutoCloseable {
  static final int OBJECT_BYTES = 4 << 20;
  static final int IN_FLIGHT = 8;
  private static final int LIST_MAX = 1000;

  private final String prefix = "bench-" + UUID.randomUUID() + "/";
  private final ObjectStore store;
  private final Crew crew;

  /**
   * @param crew stays the caller's
   */
  RawS3(S3Location location, Crew crew) {
    this.store = S3ObjectStore.open(location, S3Limits.DEFAULTS);
    this.crew = crew;
  }

  /** Objects to write, and to find when they are read. */
  static final class Objects {
    private final long seed;
    private final long bytes;
    private final int[] checksums;

    /** Plans to write as many bytes as some files have. */
    Objects(long seed, long bytes) {
      this.seed = seed;
      this.bytes = bytes;
      checksums = new int[Math.toIntExact((bytes + OBJECT_BYTES - 1) / OBJECT_BYTES)];
      Content content = new Content(seed, OBJECT_BYTES);
      for (int i = 0; i < checksums.length; i++) {
        checksums[i] = content.checksum(i, length(i));
      }
    }

    private int length(int index) {
      return (int) Math.min(OBJECT_BYTES, bytes - (long) index * OBJECT_BYTES);
    }
  }

  /** Returns bytes per second. */
  double put(Objects objects) throws IOException {
    AtomicInteger next = new AtomicInteger();
    Content[] contents = new Content[IN_FLIGHT];
    for (int member = 0; member < IN_FLIGHT; member++) {
      contents[member] = new Content(objects.seed, OBJECT_BYTES);
    }
    double seconds =
        crew.run(
            IN_FLIGHT,
            member -> {
              int index;
              while ((index = next.getAndIncrement()) < objects.checksums.length) {
                ByteBuffer body = contents[member].piece(index, 0, objects.length(index));
                store.putAndWait(key(index), List.of(body));
              }
            });
    return objects.bytes / seconds;
  }

  /** Returns bytes per second. */
  double get(Objects objects) throws IOException {
    AtomicInteger next = new AtomicInteger();
    ByteBuffer[] buffers = new ByteBuffer[IN_FLIGHT];
    for (int member = 0; member < IN_FLIGHT; member++) {
      buffers[member] = ByteBuffer.allocateDirect(OBJECT_BYTES);
    }
    double seconds =
        crew.run(
            IN_FLIGHT,
            member -> {
              int index;
              while ((index = next.getAndIncrement()) < objects.checksums.length) {
                int length = objects.length(index);
                ByteBuffer into = buffers[member].clear().limit(length);
                store.get(key(index), length, 0, length, List.of(into));
                CRC32C crc = new CRC32C();
                crc.update(into);
                if ((int) crc.getValue() != objects.checksums[index]) {
                  throw new IOException("object " + key(index) + " reads back wrong");
                }
              }
            });
    return objects.bytes / seconds;
  }

  private String key(int index) {
    return prefix + index;
  }

  /** Deletes everything written so far. */
  void clear() throws ObjectStoreException {
    ListPage page;
    do {
      page = store.list(prefix, null, LIST_MAX);
      List<String> keys = page.objects().stream().map(ListPage.Item::key).toList();
      if (!keys.isEmpty()) {
        store.delete(keys);
      }
    } while (page.more());
  }

  @Override
  public void close() throws ObjectStoreException {
    try {
      clear();
    } finally {
      store.close();
    }
  }
}
