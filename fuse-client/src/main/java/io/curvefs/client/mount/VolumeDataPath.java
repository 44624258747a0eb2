package io.curvefs.client.mount;

import io.curvefs.cache.LastingTiers;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.volume.VolumeContents;
import io.curvefs.client.volume.VolumeMeters;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Volume;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.volume.ExpectedVolume;
import io.curvefs.space.volume.Volumes;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Bytes on volumes, read and written in place. Thread-safe. */
final class VolumeDataPath implements DataPath {
  private final NamespaceClient namespace;
  private final VolumeMeters meters = new VolumeMeters();
  private final VolumeContents contents;

  private VolumeDataPath(
      NamespaceClient namespace, WriteBuffer writeBuffer, ContentListener listener) {
    this.namespace = namespace;
    this.contents =
        new VolumeContents(
            namespace, this::volume, writeBuffer, WallClock.SYSTEM, listener, meters);
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
      path.contents.openAll(
          namespace.meta().fileSystem().getVolumeStorage().getVolumesList().stream()
              .map(Volume::getNumber)
              .toList());
      opened = true;
      return path;
    } finally {
      if (!opened) {
        path.close();
      }
    }
  }

  private BlockDevice volume(int number, Duration operationMax) throws IOException {
    FileSystem fileSystem = namespace.meta().fileSystem();
    Optional<Volume> volume =
        fileSystem.getVolumeStorage().getVolumesList().stream()
            .filter(candidate -> candidate.getNumber() == number)
            .findFirst();
    if (volume.isEmpty()) {
      throw new IOException(
          "volume " + number + " of file system '" + fileSystem.getName() + "' is not known here");
    }
    BlockDevice device =
        BlockDevices.open(volume.get().getUri(), DeviceOptions.DEFAULT.withTimeout(operationMax));
    boolean right = false;
    try {
      Volumes.check(device, new ExpectedVolume(UUID.fromString(fileSystem.getUuid()), number));
      right = true;
      return device;
    } finally {
      if (!right) {
        device.close();
      }
    }
  }

  @Override
  public String place() {
    return namespace.meta().fileSystem().getVolumeStorage().getVolumesList().stream()
        .map(Volume::getUri)
        .collect(Collectors.joining(","));
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
