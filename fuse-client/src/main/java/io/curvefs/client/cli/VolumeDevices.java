package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Volume;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.volume.VolumeHeader;
import io.curvefs.space.volume.VolumeRefusedException;
import io.curvefs.space.volume.Volumes;
import io.curvefs.space.volume.Volumes.Overwrite;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Devices that are about to become volumes of a file system. All are looked at before the first is
 * written to. What was written can be taken back for as long as the file system does not have it.
 */
final class VolumeDevices implements AutoCloseable {
  /** A header, and one whole block group. */
  static final long BYTES_MIN =
      VolumeLayout.HEADER_BYTES + (long) VolumeLayout.GROUP_BLOCKS * VolumeLayout.BLOCK_BYTES;

  private final Map<String, BlockDevice> devices = new LinkedHashMap<>();
  private final List<BlockDevice> formatted = new ArrayList<>();

  /** Says whether a header that was found may be overwritten without being asked to. */
  @FunctionalInterface
  interface Leftover {
    boolean mayGo(VolumeHeader header);
  }

  private VolumeDevices() {}

  /**
   * @throws IOException when one cannot be opened, or is too small
   */
  static VolumeDevices open(List<String> uris) throws IOException {
    VolumeDevices opened = new VolumeDevices();
    try {
      for (String uri : uris) {
        if (opened.devices.containsKey(uri)) {
          throw new IllegalArgumentException("volume " + uri + " is named twice: name it once");
        }
        BlockDevice device = BlockDevices.open(uri, DeviceOptions.DEFAULT);
        opened.devices.put(uri, device);
        if (device.size() < BYTES_MIN) {
          throw new IOException(
              device.name()
                  + " has "
                  + ByteSize.text((double) device.size())
                  + ": a volume has at least "
                  + ByteSize.text((double) BYTES_MIN)
                  + ", for its header and one block group; enlarge it first");
        }
      }
      return opened;
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /**
   * Makes sure that none is used by a file system of this cluster: not even by force.
   *
   * @param known all file systems of the cluster
   * @param leftovers of earlier attempts are no volumes that anybody uses
   */
  void refuseUsed(List<FileSystem> known, Leftover leftovers) throws IOException {
    for (BlockDevice device : devices.values()) {
      Optional<VolumeHeader> found = Volumes.look(device);
      if (found.isEmpty() || leftovers.mayGo(found.get())) {
        continue;
      }
      VolumeHeader header = found.get();
      for (FileSystem fileSystem : known) {
        if (fileSystem.getUuid().equals(header.fileSystem().toString())) {
          throw new IOException(
              device.name()
                  + " is volume "
                  + header.number()
                  + " of file system '"
                  + fileSystem.getName()
                  + "': name another device, or delete that file system first");
        }
      }
    }
  }

  /**
   * Writes the headers, in the order in which the devices were named.
   *
   * @param firstNumber of the first volume; the others follow
   * @param force overwrites whatever is on the devices
   * @return the volumes, as the coordinator shall know them
   */
  List<Volume> format(
      UUID fileSystem, int firstNumber, String poolSet, boolean force, Leftover leftovers)
      throws IOException {
    List<Volume> volumes = new ArrayList<>();
    for (Map.Entry<String, BlockDevice> named : devices.entrySet()) {
      BlockDevice device = named.getValue();
      VolumeHeader wanted =
          new VolumeHeader(
              fileSystem,
              firstNumber + volumes.size(),
              UUID.randomUUID(),
              VolumeLayout.BLOCK_BYTES,
              VolumeLayout.GROUP_BLOCKS,
              device.size(),
              poolSet,
              Instant.now().truncatedTo(ChronoUnit.MILLIS),
              1);
      VolumeHeader header = format(device, wanted, force, leftovers);
      volumes.add(
          Volume.newBuilder()
              .setNumber(header.number())
              .setUri(named.getKey())
              .setUuid(header.volume().toString())
              .setBlocks(VolumeLayout.blocks(header.deviceBytes()))
              .setPoolSet(poolSet)
              .build());
    }
    return volumes;
  }

  private VolumeHeader format(
      BlockDevice device, VolumeHeader wanted, boolean force, Leftover leftovers)
      throws IOException {
    Optional<VolumeHeader> found = Volumes.look(device);
    for (BlockDevice before : formatted) {
      if (found.equals(Volumes.look(before))) {
        throw new IOException(
            device.name() + " is the same device as " + before.name() + ": name it once");
      }
    }
    boolean overwrite = force || (found.isPresent() && leftovers.mayGo(found.get()));
    try {
      VolumeHeader written =
          Volumes.format(device, wanted, overwrite ? Overwrite.FORCED : Overwrite.REFUSED);
      formatted.add(device);
      return written;
    } catch (VolumeRefusedException e) {
      throw e; // nothing was written
    } catch (IOException e) {
      formatted.add(device); // something may have been
      throw e;
    }
  }

  /** Wipes the headers that were written; says on standard error when that fails. */
  void takeBack() {
    for (BlockDevice device : formatted) {
      try {
        Volumes.wipe(device);
      } catch (IOException e) {
        System.err.println("curvefs: " + byHand(device.name(), e));
      }
    }
    formatted.clear();
  }

  /** What to do about a header that could not be wiped. */
  static String byHand(String device, Exception failure) {
    return "the header on "
        + device
        + " could not be wiped ("
        + failure.getMessage()
        + "): 'curvefs fs create --force' takes it all the same, or fill its first MiB with zeros";
  }

  long bytes() {
    return devices.values().stream().mapToLong(BlockDevice::size).sum();
  }

  String names() {
    return String.join(", ", devices.values().stream().map(BlockDevice::name).toList());
  }

  @Override
  public void close() {
    devices.values().forEach(BlockDevice::close);
  }
}
