package io.curvefs.client.mount;

import io.curvefs.cache.LastingTiers;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.volume.KnownVolumes;
import io.curvefs.client.volume.VolumeContents;
import io.curvefs.client.volume.VolumeMeters;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Bytes on volumes, read and written in place. Thread-safe. */
final class VolumeDataPath implements DataPath {
  private final KnownVolumes volumes;
  private final VolumeMeters meters = new VolumeMeters();
  private final VolumeContents contents;

  private VolumeDataPath(
      NamespaceClient namespace, WriteBuffer writeBuffer, ContentListener listener) {
    this.volumes = new KnownVolumes(namespace.meta());
    this.contents =
        new VolumeContents(namespace, volumes, writeBuffer, WallClock.SYSTEM, listener, meters);
  }

  /**
   * Opens the way to the file system's volumes.
   *
   * @throws IOException one line that names the volume that cannot be used, and the remedy
   */
  static VolumeDataPath open(
      NamespaceClient namespace,
      MountOptions options,
      WriteBuffer writeBuffer,
      ContentListener listener)
      throws IOException {
    if (options.writeback().enabled()) {
      throw new IOException(
          "option writeback is for buckets: the volumes of file system '"
              + namespace.meta().fileSystem().getName()
              + "' are written directly; mount without it");
    }
    VolumeDataPath path = new VolumeDataPath(namespace, writeBuffer, listener);
    boolean opened = false;
    try {
      path.contents.openAll(path.volumes.numbers());
      opened = true;
      return path;
    } finally {
      if (!opened) {
        path.close();
      }
    }
  }

  @Override
  public String place() {
    return String.join(",", volumes.uris());
  }

  @Override
  public Contents contents() {
    return contents;
  }

  @Override
  public @Nullable LastingTiers tiers() {
    return null;
  }

  /** Nothing is cached here but where blocks are. */
  @Override
  public void drop(boolean memoryOnly) {
    contents.forgetCached();
  }

  @Override
  public void register(MeterRegistry registry) {
    meters.register(registry, contents);
  }

  @Override
  public void close() {
    contents.close();
  }
}
