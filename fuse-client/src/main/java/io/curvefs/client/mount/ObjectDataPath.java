package io.curvefs.client.mount;

import io.curvefs.cache.LastingTiers;
import io.curvefs.cache.disk.DiskTier;
import io.curvefs.cache.disk.DiskTierOptions;
import io.curvefs.cache.memcached.MemcachedOptions;
import io.curvefs.cache.memcached.MemcachedServer;
import io.curvefs.cache.memcached.MemcachedTier;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.tier.TieredBlockCache;
import io.curvefs.cache.tier.TieredOptions;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.data.DataClient;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.staging.Journal;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.aws.S3Limits;
import io.curvefs.objectstore.aws.S3ObjectStore;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ObjectStoreConfig;
import io.curvefs.rpc.HostPort;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Bytes in the objects of a bucket, read through the tiers of the cache. Thread-safe. */
final class ObjectDataPath implements DataPath {
  private static final Logger log = LoggerFactory.getLogger(ObjectDataPath.class);

  /** Bound of the first request to the bucket: a wrong one is to be told of soon. */
  private static final Duration BUCKET_CHECK_MAX = Duration.ofSeconds(10);

  /** Of the memory for the cache, what it may keep; the rest lets new blocks in. */
  private static final double CACHE_SHARE = 0.75;

  /** In the order in which they were opened. */
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private final String place;
  private final ObjectStore objects;
  private final TieredBlockCache cache;
  private final DataClient data;

  /** Kept here: the registry does not keep it. */
  @SuppressWarnings("UnusedVariable")
  private @Nullable ObjectPathMeters meters;

  private ObjectDataPath(
      NamespaceClient namespace,
      MountOptions options,
      PagePool pool,
      WriteBuffer writeBuffer,
      ContentListener listener)
      throws IOException {
    FileSystem fileSystem = namespace.meta().fileSystem();
    this.place = display(fileSystem.getObjectStore());
    boolean opened = false;
    try {
      this.objects = opened(bucket(fileSystem, options));
      Journal journal = WritebackJournal.open(options, fileSystem);
      MemcachedTier memcached =
          new MemcachedTier(MemcachedOptions.defaults(UUID.fromString(fileSystem.getUuid())), pool);
      this.cache = opened(cache(options, fileSystem, pool, objects, memcached, journal));
      if (journal != null) {
        opened(journal); // closed before the cache, whose threads read it, and after what writes it
      }
      if (options.memcached()) {
        namespace.meta().onCacheServers(servers -> memcached.use(members(servers)));
      }
      this.data =
          opened(
              new DataClient(
                  namespace,
                  objects,
                  cache,
                  writeBuffer,
                  WallClock.SYSTEM,
                  listener,
                  journal == null
                      ? null
                      : new DataClient.Staging(journal, options.writeback().deadline())));
      opened = true;
    } finally {
      if (!opened) {
        close();
      }
    }
  }

  /**
   * Opens the way to the file system's bucket.
   *
   * @throws IOException one line that names what is wrong and the remedy
   */
  static ObjectDataPath open(
      NamespaceClient namespace,
      MountOptions options,
      PagePool pool,
      WriteBuffer writeBuffer,
      ContentListener listener)
      throws IOException {
    return new ObjectDataPath(namespace, options, pool, writeBuffer, listener);
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.push(resource);
    return resource;
  }

  @Override
  public String place() {
    return place;
  }

  @Override
  public Contents contents() {
    return data;
  }

  @Override
  public LastingTiers tiers() {
    return cache;
  }

  @Override
  public void drop(boolean memoryOnly) throws IOException {
    if (memoryOnly) {
      cache.dropMemory();
    } else {
      cache.dropAll();
    }
  }

  @Override
  public void register(MeterRegistry registry) {
    ObjectPathMeters made = new ObjectPathMeters(registry, objects, cache);
    made.register();
    meters = made;
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      AutoCloseable next = open.pop();
      try {
        next.close();
      } catch (Exception e) { // the others are to be closed all the same
        log.warn("closing {} failed", next, e);
      }
    }
  }

  /** The file system's bucket, once its marker is found there: the right one, and readable. */
  private static ObjectStore bucket(FileSystem fileSystem, MountOptions options)
      throws IOException {
    ObjectStoreConfig config = fileSystem.getObjectStore();
    S3Credentials credentials =
        config.getAccessKey().isEmpty()
            ? S3Credentials.defaultChain()
            : S3Credentials.of(config.getAccessKey(), config.getSecretKey());
    S3Location location =
        new S3Location(config.getBucket(), config.getEndpoint(), config.getRegion(), credentials);
    S3Limits limits = S3Limits.DEFAULTS.withTotalBound(options.objectStoreMax());
    String marker = ObjectKeys.marker(fileSystem.getUuid());
    try (ObjectStore check =
        S3ObjectStore.open(location, limits.withTotalBound(BUCKET_CHECK_MAX))) {
      if (check.list(marker, null, 1).objects().isEmpty()) {
        throw new IOException(
            "bucket "
                + display(config)
                + " has nothing of file system '"
                + fileSystem.getName()
                + "' ("
                + marker
                + "): has it been emptied, or is it another bucket of that name?");
      }
    } catch (ObjectStoreException e) {
      throw new IOException(
          "the bucket of file system '"
              + fileSystem.getName()
              + "' cannot be used: "
              + e.getMessage(),
          e);
    }
    return S3ObjectStore.open(location, limits);
  }

  private static TieredBlockCache cache(
      MountOptions options,
      FileSystem fileSystem,
      PagePool pool,
      ObjectStore objects,
      MemcachedTier memcached,
      @Nullable Journal journal)
      throws IOException {
    MemoryTier memory = new MemoryTier(pool, (long) (options.memoryCacheBytes() * CACHE_SHARE));
    DiskTierOptions onDisk = options.diskCache().tier(UUID.fromString(fileSystem.getUuid()));
    DiskTier disk = onDisk == null ? null : DiskTier.open(onDisk, pool, InstantSource.system());
    return new TieredBlockCache(
        pool,
        memory,
        disk,
        memcached,
        DataClient.source(objects, fileSystem.getUuid(), journal),
        TieredOptions.DEFAULTS.withWrittenToDisk(options.diskCache().writtenThrough()));
  }

  private static List<MemcachedServer> members(List<HostPort> servers) {
    return servers.stream()
        .map(server -> new MemcachedServer(server.host(), server.port()))
        .toList();
  }

  private static String display(ObjectStoreConfig config) {
    return config.getEndpoint() + "/" + config.getBucket();
  }
}
