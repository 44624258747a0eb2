package io.curvefs.client.volume;

import io.curvefs.client.meta.MetaClient;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Volume;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.volume.ExpectedVolume;
import io.curvefs.space.volume.Volumes;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The volumes that the coordinator has last named for the file system. Thread-safe. */
public final class KnownVolumes implements VolumeOpener {
  private final MetaClient meta;

  public KnownVolumes(MetaClient meta) {
    this.meta = meta;
  }

  private List<Volume> all() {
    return meta.fileSystem().getVolumeStorage().getVolumesList();
  }

  public List<Integer> numbers() {
    return all().stream().map(Volume::getNumber).toList();
  }

  public List<String> uris() {
    return all().stream().map(Volume::getUri).toList();
  }

  @Override
  public BlockDevice open(int number, Duration operationMax) throws IOException {
    FileSystem fileSystem = meta.fileSystem();
    Optional<Volume> volume =
        all().stream().filter(candidate -> candidate.getNumber() == number).findFirst();
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
}
