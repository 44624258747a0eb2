package io.curvefs.metaserver.server;

import io.curvefs.metaserver.coordinator.BucketAccess;
import io.curvefs.metaserver.reclaim.ObjectStores;
import io.curvefs.objectstore.BucketProbe;
import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.aws.S3Limits;
import io.curvefs.objectstore.aws.S3ObjectStore;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ObjectStoreConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The object stores of the file systems, one client each, made when first needed. Thread-safe. */
final class Buckets implements ObjectStores, BucketAccess, AutoCloseable {
  private static final int OBJECTS_PER_STEP = 1000;

  private final Map<ObjectStoreConfig, ObjectStore> stores = new ConcurrentHashMap<>();

  @Override
  public ObjectStore of(FileSystem fileSystem) throws IOException {
    try {
      return stores.computeIfAbsent(fileSystem.getObjectStore(), Buckets::open);
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static ObjectStore open(ObjectStoreConfig config) {
    S3Credentials credentials =
        config.getAccessKey().isEmpty()
            ? S3Credentials.defaultChain()
            : S3Credentials.of(config.getAccessKey(), config.getSecretKey());
    return S3ObjectStore.open(
        new S3Location(config.getBucket(), config.getEndpoint(), config.getRegion(), credentials),
        S3Limits.DEFAULTS);
  }

  @Override
  public void claim(FileSystem fileSystem) throws IOException {
    ObjectStore store = of(fileSystem);
    BucketProbe.check(store, ObjectKeys.prefix(fileSystem.getUuid()));
    String marker =
        "{\"format\": 1, \"name\": \""
            + fileSystem.getName()
            + "\", \"uuid\": \""
            + fileSystem.getUuid()
            + "\"}\n";
    store.putAndWait(
        ObjectKeys.marker(fileSystem.getUuid()),
        List.of(ByteBuffer.wrap(marker.getBytes(StandardCharsets.UTF_8))));
  }

  @Override
  public boolean deleteSome(FileSystem fileSystem) throws IOException {
    ObjectStore store = of(fileSystem);
    ListPage page = store.list(ObjectKeys.prefix(fileSystem.getUuid()), null, OBJECTS_PER_STEP);
    store.delete(page.objects().stream().map(ListPage.Item::key).toList());
    return page.objects().size() < OBJECTS_PER_STEP;
  }

  @Override
  public void close() {
    stores.values().forEach(ObjectStore::close);
  }
}
