package io.curvefs.client.testing;

import com.google.protobuf.ByteString;
import io.curvefs.cache.CacheStatistics;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.tier.TieredBlockCache;
import io.curvefs.cache.tier.TieredOptions;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.data.DataClient;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.staging.Journal;
import io.curvefs.client.staging.SegmentStore;
import io.curvefs.client.vfs.ControlAttributes;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.client.vfs.VfsOptions;
import io.curvefs.id.InodeId;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.aws.S3Limits;
import io.curvefs.objectstore.aws.S3ObjectStore;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.UUID;
import java.util.function.UnaryOperator;

/** A mounted file system without a kernel: the VFS over a {@link LocalCluster}. */
public final class LocalMount implements AutoCloseable {
  private static final Duration PUTS_END_MAX = Duration.ofSeconds(10);
  private static final Duration JOURNAL_DEADLINE = Duration.ofSeconds(30);
  private static final long MEMORY_CACHE_BYTES = 53 << 20;
  private static final long PASSING_BYTES = 11 << 20;

  public final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  public final MetaClient meta;
  public final NamespaceClient namespace;
  public final ObjectStore objects;
  public final DataClient data;
  public final Vfs vfs;
  public final PagePool pool;
  public final WriteBuffer buffer;
  private final TieredBlockCache cache;
  private final Journal journal;

  public LocalMount(LocalCluster cluster, String fileSystem) throws IOException {
    this(cluster, fileSystem, MetaOptions.DEFAULTS, 64 << 20, UnaryOperator.identity());
  }

  /**
   * @param faults wraps the object store
   */
  public LocalMount(
      LocalCluster cluster,
      String fileSystem,
      MetaOptions options,
      long writeBufferBytes,
      UnaryOperator<ObjectStore> faults)
      throws IOException {
    this(
        cluster,
        fileSystem,
        options,
        writeBufferBytes,
        MEMORY_CACHE_BYTES,
        PASSING_BYTES,
        faults,
        null,
        JOURNAL_DEADLINE);
  }

  /**
   * @param passingBytes of the budget for what is neither written nor cached
   * @param faults wraps the object store
   */
  public LocalMount(
      LocalCluster cluster,
      String fileSystem,
      MetaOptions options,
      long writeBufferBytes,
      long memoryCacheBytes,
      long passingBytes,
      UnaryOperator<ObjectStore> faults)
      throws IOException {
    this(
        cluster,
        fileSystem,
        options,
        writeBufferBytes,
        memoryCacheBytes,
        passingBytes,
        faults,
        null,
        JOURNAL_DEADLINE);
  }

  /**
   * @param segments of the write-back journal
   * @param deadline of what is in it
   */
  public LocalMount(
      LocalCluster cluster,
      String fileSystem,
      MetaOptions options,
      long writeBufferBytes,
      UnaryOperator<ObjectStore> faults,
      SegmentStore segments,
      Duration deadline)
      throws IOException {
    this(
        cluster,
        fileSystem,
        options,
        writeBufferBytes,
        MEMORY_CACHE_BYTES,
        PASSING_BYTES,
        faults,
        segments,
        deadline);
  }

  private LocalMount(
      LocalCluster cluster,
      String fileSystem,
      MetaOptions options,
      long writeBufferBytes,
      long memoryCacheBytes,
      long passingBytes,
      UnaryOperator<ObjectStore> faults,
      SegmentStore segments,
      Duration deadline)
      throws IOException {
    meta = cluster.connect(fileSystem, options, registry);
    namespace = new NamespaceClient(meta, options);
    objects =
        faults.apply(
            S3ObjectStore.open(cluster.s3().location(LocalCluster.BUCKET), S3Limits.DEFAULTS));
    journal =
        segments == null
            ? null
            : Journal.open(
                segments,
                UUID.fromString(meta.fileSystem().getUuid()),
                64 << 20,
                true,
                WallClock.SYSTEM,
                new SecureRandom());
    pool = new PagePool(writeBufferBytes + memoryCacheBytes + passingBytes);
    cache =
        new TieredBlockCache(
            pool,
            new MemoryTier(pool, memoryCacheBytes / 4 * 3),
            null,
            null,
            DataClient.source(objects, meta.fileSystem().getUuid(), journal),
            TieredOptions.DEFAULTS);
    buffer = new WriteBuffer(pool, writeBufferBytes);
    Vfs.Seen seen = new Vfs.Seen();
    data =
        new DataClient(
            namespace,
            objects,
            cache,
            buffer,
            WallClock.SYSTEM,
            seen.listener(),
            journal == null ? null : new DataClient.Staging(journal, deadline));
    vfs =
        new Vfs(
            namespace, data, seen, new NoControl(), new VfsOptions(InodeId.ROOT, false, 32 << 20));
  }

  private static final class NoControl implements ControlAttributes {
    @Override
    public ByteString get(Asker asker, InodeId inode, String name) {
      return null;
    }

    @Override
    public boolean set(Asker asker, InodeId inode, String name, ByteString value) {
      return false;
    }
  }

  public void dropCaches() throws IOException {
    cache.dropAll();
    vfs.forgetCached();
  }

  public CacheStatistics cacheStatistics() {
    return cache.statistics();
  }

  /** Requests of one operation that were sent to metaservers. */
  public double requests(String operation) {
    var counter = registry.find("curvefs.meta.requests").tag("operation", operation).counter();
    return counter == null ? 0 : counter.count();
  }

  @Override
  public void close() throws IOException {
    data.flushAll();
    end();
  }

  /** Ends without a last flush, as a crash does; what is in the journal stays there. */
  public void crash() throws IOException {
    end();
  }

  private void end() throws IOException {
    data.close();
    if (journal != null) {
      journal.close();
    }
    cache.close();
    objects.close();
    meta.close();
    long until = System.nanoTime() + PUTS_END_MAX.toNanos();
    while (pool.inUse() != 0 && System.nanoTime() < until) {
      Thread.onSpinWait(); // puts that the store's end has failed
    }
    if (pool.inUse() != 0) {
      throw new IllegalStateException(pool.inUse() + " pages are leaked");
    }
  }
}
