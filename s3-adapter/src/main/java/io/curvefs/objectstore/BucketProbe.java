package io.curvefs.objectstore;

import io.curvefs.objectstore.ObjectStoreException.Kind;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/**
 * Finds out, before anything depends on it, whether a bucket can be written, read and deleted in.
 */
public final class BucketProbe {

  private static final int PROBE_BYTES = 4096;

  private BucketProbe() {}

  /**
   * Writes a small object below the prefix, reads it back whole and in part, lists it and deletes
   * it.
   *
   * @param prefix empty, or ending in a slash
   * @throws ObjectStoreException when a step fails; its message is one line and names the remedy
   */
  public static void check(ObjectStore store, String prefix) throws ObjectStoreException {
    String key = prefix + "probe-" + UUID.randomUUID();
    byte[] content = new byte[PROBE_BYTES];
    new Random().nextBytes(content);
    store.putAndWait(key, List.of(ByteBuffer.wrap(content)));
    try {
      verify(store, key, content);
    } catch (ObjectStoreException e) {
      try {
        store.delete(List.of(key));
      } catch (ObjectStoreException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
    store.delete(List.of(key));
  }

  private static void verify(ObjectStore store, String key, byte[] content)
      throws ObjectStoreException {
    requireSame(key, content, 0, read(store, key, 0, PROBE_BYTES));
    requireSame(key, content, 100, read(store, key, 100, 1000));
    if (store.list(key, null, 1).objects().isEmpty()) {
      throw new ObjectStoreException(
          Kind.REJECTED,
          "object '"
              + key
              + "' was written but is not listed: use a store with consistent listing");
    }
  }

  private static byte[] read(ObjectStore store, String key, int offset, int length)
      throws ObjectStoreException {
    byte[] found = new byte[length];
    store.get(key, PROBE_BYTES, offset, length, List.of(ByteBuffer.wrap(found)));
    return found;
  }

  private static void requireSame(String key, byte[] content, int offset, byte[] found)
      throws ObjectStoreException {
    if (!ByteBuffer.wrap(content, offset, found.length).equals(ByteBuffer.wrap(found))) {
      throw new ObjectStoreException(
          Kind.CORRUPT,
          "object '" + key + "' reads back different from what was written: do not use this store");
    }
  }
}
