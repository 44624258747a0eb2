package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.CreateFsRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FileSystemStatus;
import io.curvefs.proto.ListFsRequest;
import io.curvefs.proto.PutVolumesRequest;
import io.curvefs.proto.Routing;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.open.BlockDevices;
import io.curvefs.space.volume.ExpectedVolume;
import io.curvefs.space.volume.VolumeHeader;
import io.curvefs.space.volume.Volumes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Makes, enlarges and removes file systems on volumes: the headers on the devices first, then the
 * coordinator's row, and the other way round when they go. Each can be repeated after a crash.
 */
final class VolumeFileSystems {
  /** The pool set of volumes of which nothing else is said. */
  static final String POOL_SET = "default";

  /** Long enough for an election and for all partitions to be made. */
  private static final Duration BOUND = Duration.ofSeconds(90);

  private static final long VERSION_8 = 0x8000L;
  private static final long VERSION_BITS = 0xf000L;

  private VolumeFileSystems() {}

  /**
   * Formats volumes and makes a file system of them.
   *
   * @param force overwrites devices that look used
   * @return what was done, in words
   */
  static String create(
      AdminClient client,
      String name,
      String cacheCluster,
      List<String> uris,
      String poolSet,
      int quarantineSeconds,
      boolean force)
      throws IOException {
    CreateFsRequest.Builder request =
        CreateFsRequest.newBuilder().setName(name).setCacheCluster(cacheCluster);
    FileSystem existing = find(client, name);
    if (existing != null) {
      requireSame(existing, uris);
      client.ask(
          CoordinateRequest.newBuilder()
              .setCreateFs(
                  request
                      .setUuid(existing.getUuid())
                      .setVolumeStorage(existing.getVolumeStorage())),
          BOUND);
      return "'" + name + "' is there already, on these volumes";
    }
    List<FileSystem> known = all(client);
    long family = family(client, name);
    UUID uuid = new UUID(family, UUID.randomUUID().getLeastSignificantBits());
    VolumeDevices.Leftover leftovers =
        header -> header.fileSystem().getMostSignificantBits() == family && !isAny(known, header);
    try (VolumeDevices devices = VolumeDevices.open(uris)) {
      devices.refuseUsed(known, leftovers);
      takingBack(
          devices,
          () -> {
            List<Volume> volumes = devices.format(uuid, 1, poolSet, force, leftovers);
            client.ask(
                CoordinateRequest.newBuilder()
                    .setCreateFs(
                        request
                            .setUuid(uuid.toString())
                            .setVolumeStorage(
                                VolumeStorage.newBuilder()
                                    .setPoolSet(poolSet)
                                    .setQuarantineSeconds(quarantineSeconds)
                                    .addAllVolumes(volumes))),
                BOUND);
          });
      return "created '%s' on %s (%s)"
          .formatted(name, devices.names(), ByteSize.text((double) devices.bytes()));
    }
  }

  private static void requireSame(FileSystem existing, List<String> uris) throws IOException {
    if (existing.getState() == FileSystem.State.DELETING) {
      throw new IOException(
          "file system '"
              + existing.getName()
              + "' is being deleted: try it again when 'curvefs fs list' does not show it");
    }
    if (!existing.getVolumeStorage().getVolumesList().stream()
        .map(Volume::getUri)
        .toList()
        .equals(uris)) {
      throw new RefusedException(
          Refusal.NAME_TAKEN,
          "there is a file system '"
              + existing.getName()
              + "' already: choose another name, or add volumes to it with 'curvefs volume add'");
    }
  }

  /**
   * The upper half of the uuids of file systems of this name in this cluster, so that the headers
   * of an attempt that did not come to an end are known again. (RFC 9562, version 8)
   */
  private static long family(AdminClient client, String name) throws IOException {
    String cluster = client.route("", BOUND).getClusterUuid();
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((cluster + "/" + name).getBytes(StandardCharsets.UTF_8));
      return (ByteBuffer.wrap(digest).getLong() & ~VERSION_BITS) | VERSION_8;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static boolean isAny(List<FileSystem> known, VolumeHeader header) {
    String uuid = header.fileSystem().toString();
    return known.stream().anyMatch(fileSystem -> fileSystem.getUuid().equals(uuid));
  }

  private static @Nullable FileSystem find(AdminClient client, String name) throws IOException {
    try {
      return client.route(name, BOUND).getFileSystem();
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.NO_SUCH_FILE_SYSTEM) {
        return null;
      }
      throw e;
    }
  }

  private static List<FileSystem> all(AdminClient client) throws IOException {
    return client
        .ask(CoordinateRequest.newBuilder().setListFs(ListFsRequest.getDefaultInstance()), BOUND)
        .getFileSystemsList()
        .stream()
        .map(FileSystemStatus::getFileSystem)
        .toList();
  }

  /** Formats and tells the coordinator. */
  @FunctionalInterface
  private interface Work {
    void run() throws IOException;
  }

  /**
   * Takes the headers back when the coordinator refused; not when it may have taken the volumes.
   */
  private static void takingBack(VolumeDevices devices, Work work) throws IOException {
    try {
      work.run();
    } catch (RefusedException e) {
      switch (e.refusal()) {
        case BUSY, TIMED_OUT, UNREACHABLE, NOT_LEADER, INTERNAL ->
            throw new IOException(
                e.getMessage()
                    + ": whether it was done is not known; give the same command again, which is"
                    + " harmless",
                e);
        default -> {
          devices.takeBack();
          throw e;
        }
      }
    } catch (IOException | RuntimeException e) {
      devices.takeBack();
      throw e;
    }
  }

  /**
   * The file system, when it is on volumes.
   *
   * @throws IOException when it is not
   */
  static FileSystem require(Routing routing, String why) throws IOException {
    FileSystem fileSystem = routing.getFileSystem();
    if (!fileSystem.hasVolumeStorage()) {
      throw new IOException(
          "file system '"
              + fileSystem.getName()
              + "' keeps its data in bucket "
              + fileSystem.getObjectStore().getBucket()
              + ", not on volumes: "
              + why);
    }
    return fileSystem;
  }

  /**
   * Formats more volumes for a file system.
   *
   * @return what was done, in words
   */
  static String add(
      AdminClient client, String name, List<String> uris, @Nullable String poolSet, boolean force)
      throws IOException {
    FileSystem fileSystem =
        require(client.route(name, BOUND), "volumes cannot be added to it, a bucket has no end");
    List<Volume> before = fileSystem.getVolumeStorage().getVolumesList();
    List<String> wanted = new ArrayList<>(uris);
    wanted.removeAll(before.stream().map(Volume::getUri).toList());
    if (wanted.isEmpty()) {
      return "'"
          + name
          + "' has "
          + (uris.size() == 1 ? "this volume" : "these volumes")
          + " already";
    }
    UUID uuid = UUID.fromString(fileSystem.getUuid());
    int highest = before.stream().mapToInt(Volume::getNumber).max().orElse(0);
    VolumeDevices.Leftover leftovers =
        header ->
            header.fileSystem().equals(uuid)
                && before.stream()
                    .noneMatch(volume -> volume.getUuid().equals(header.volume().toString()));
    try (VolumeDevices devices = VolumeDevices.open(wanted)) {
      devices.refuseUsed(all(client), leftovers);
      takingBack(
          devices,
          () -> {
            List<Volume> volumes =
                devices.format(
                    uuid,
                    highest + 1,
                    poolSet == null ? fileSystem.getVolumeStorage().getPoolSet() : poolSet,
                    force,
                    leftovers);
            put(client, name, volumes);
          });
      return "'%s' has %d more volume%s: %s (%s)"
          .formatted(
              name,
              wanted.size(),
              wanted.size() == 1 ? "" : "s",
              devices.names(),
              ByteSize.text((double) devices.bytes()));
    }
  }

  private static void put(AdminClient client, String name, List<Volume> volumes)
      throws IOException {
    client.ask(
        CoordinateRequest.newBuilder()
            .setPutVolumes(
                PutVolumesRequest.newBuilder().setFileSystem(name).addAllVolumes(volumes)),
        BOUND);
  }

  /**
   * Takes over the sizes of devices that have grown.
   *
   * @param which number or URI of a volume; null: all
   * @return what was done, a line for each volume
   */
  static List<String> expand(AdminClient client, String name, @Nullable String which)
      throws IOException {
    FileSystem fileSystem =
        require(client.route(name, BOUND), "there is nothing to expand, a bucket has no end");
    List<String> done = new ArrayList<>();
    for (Volume volume : chosen(fileSystem, which)) {
      try (BlockDevice device = BlockDevices.open(volume.getUri(), DeviceOptions.DEFAULT)) {
        VolumeHeader header =
            Volumes.grow(
                device,
                new ExpectedVolume(UUID.fromString(fileSystem.getUuid()), volume.getNumber()));
        long blocks = VolumeLayout.blocks(header.deviceBytes());
        put(
            client,
            name,
            List.of(
                volume.toBuilder().setBlocks(blocks).setUuid(header.volume().toString()).build()));
        String size = ByteSize.text((double) blocks * VolumeLayout.BLOCK_BYTES);
        done.add(
            "volume %d (%s) ".formatted(volume.getNumber(), device.name())
                + (blocks == volume.getBlocks()
                    ? "has not grown: " + size + "; enlarge the device first"
                    : "has %s now, it had %s"
                        .formatted(
                            size,
                            ByteSize.text(
                                (double) volume.getBlocks() * VolumeLayout.BLOCK_BYTES))));
      }
    }
    return done;
  }

  private static List<Volume> chosen(FileSystem fileSystem, @Nullable String which)
      throws IOException {
    List<Volume> all = fileSystem.getVolumeStorage().getVolumesList();
    List<Volume> chosen =
        all.stream()
            .filter(
                volume ->
                    which == null
                        || which.equals(volume.getUri())
                        || which.equals(Integer.toString(volume.getNumber())))
            .toList();
    if (chosen.isEmpty()) {
      throw new IOException(
          "file system '"
              + fileSystem.getName()
              + "' has no volume "
              + which
              + ": 'curvefs volume list "
              + fileSystem.getName()
              + "' shows those it has");
    }
    return chosen;
  }

  /**
   * Wipes the headers of a file system that is going. Devices that are something else by now are
   * left alone.
   *
   * @return whether all are wiped; standard error says what is not, and what to do
   */
  static boolean wipe(FileSystem fileSystem) {
    boolean all = true;
    for (Volume volume : fileSystem.getVolumeStorage().getVolumesList()) {
      String name = "volume " + volume.getNumber();
      try (BlockDevice device = BlockDevices.open(volume.getUri(), DeviceOptions.DEFAULT)) {
        name = device.name();
        Optional<VolumeHeader> found = Volumes.look(device);
        if (found.isPresent() && found.get().volume().toString().equals(volume.getUuid())) {
          Volumes.wipe(device);
        }
      } catch (IOException | IllegalArgumentException e) {
        System.err.println("curvefs: " + VolumeDevices.byHand(name, e));
        all = false;
      }
    }
    return all;
  }
}
