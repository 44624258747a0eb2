package io.curvefs.client.testing;

import com.google.protobuf.ByteString;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.vfs.ControlAttributes;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.client.vfs.VfsOptions;
import io.curvefs.client.volume.VolumeContents;
import io.curvefs.client.volume.VolumeMeters;
import io.curvefs.id.InodeId;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.util.function.UnaryOperator;

/** A mounted file system on volumes without a kernel: the VFS over a {@link LocalCluster}. */
public final class LocalVolumeMount implements AutoCloseable {
  public final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  public final MetaClient meta;
  public final NamespaceClient namespace;
  public final VolumeContents contents;
  public final Vfs vfs;
  private final PagePool pool;

  public LocalVolumeMount(LocalCluster cluster, String fileSystem) throws IOException {
    this(cluster, fileSystem, UnaryOperator.identity());
  }

  /**
   * @param faults wraps each volume
   */
  public LocalVolumeMount(
      LocalCluster cluster, String fileSystem, UnaryOperator<BlockDevice> faults)
      throws IOException {
    meta = cluster.connect(fileSystem, MetaOptions.DEFAULTS, registry);
    namespace = new NamespaceClient(meta, MetaOptions.DEFAULTS);
    pool = new PagePool(64 << 20);
    Vfs.Seen seen = new Vfs.Seen();
    VolumeMeters meters = new VolumeMeters();
    contents =
        new VolumeContents(
            namespace,
            (number, bound) ->
                faults.apply(
                    BlockDevices.open(
                        meta.fileSystem().getVolumeStorage().getVolumes(number - 1).getUri(),
                        DeviceOptions.DEFAULT.withTimeout(bound))),
            new WriteBuffer(pool, 48 << 20),
            WallClock.SYSTEM,
            seen.listener(),
            meters);
    meters.register(registry, contents);
    vfs =
        new Vfs(
            namespace,
            contents,
            seen,
            new NoControl(),
            new VfsOptions(InodeId.ROOT, false, 32 << 20));
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

  /** Requests of one operation that were sent to metaservers. */
  public double requests(String operation) {
    var counter = registry.find("curvefs.meta.requests").tag("operation", operation).counter();
    return counter == null ? 0 : counter.count();
  }

  @Override
  public void close() {
    contents.flushAll();
    crash();
    if (pool.inUse() != 0) {
      throw new IllegalStateException(pool.inUse() + " pages are leaked");
    }
  }

  /** Ends without a last flush, as a crash does; but the session is closed. */
  public void crash() {
    contents.close();
    meta.close();
  }
}
