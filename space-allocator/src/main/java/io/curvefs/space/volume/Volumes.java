package io.curvefs.space.volume;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.volume.VolumeRefusedException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Formats devices as volumes, and recognises them. The first MiB of a volume holds two copies of
 * its header, at 0 and at 512 KiB, and nothing else.
 */
public final class Volumes {
  /** Bytes at the beginning that hold no data of files. */
  public static final int RESERVED_BYTES = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(Volumes.class);

  /** What format may destroy. */
  public enum Overwrite {
    /** Nothing: the device must look unused. */
    REFUSED,
    /** Whatever is there. */
    FORCED
  }

  private Volumes() {}

  /**
   * Makes a device a volume. After a crash meanwhile it is one, or as before, or is refused as
   * damaged and must be formatted by force.
   *
   * @param header as it shall be; its size must not exceed the device's, and its generation may
   *     become higher
   * @return the header as it was written
   * @throws VolumeRefusedException when the device is in use
   */
  public static VolumeHeader format(BlockDevice device, VolumeHeader header, Overwrite overwrite)
      throws IOException {
    if (device.size() < header.deviceBytes() || header.deviceBytes() < 2 * RESERVED_BYTES) {
      throw new VolumeRefusedException(
          Reason.TOO_SMALL,
          device.name()
              + " is too small for a volume: it has "
              + device.size()
              + " bytes. Enlarge it first.");
    }
    HeaderCopies copies = HeaderCopies.read(device);
    VolumeHeader before = copies.newest();
    if (overwrite == Overwrite.REFUSED) {
      refuseUsed(device, copies, before);
    }
    // Newer than any copy of before, so that a crash leaves no doubt which one counts.
    long newer = before == null ? 0 : before.generation() + 1;
    VolumeHeader written = header.ofGeneration(Math.max(header.generation(), newer));
    HeaderCopies.write(device, written);
    return written;
  }

  private static void refuseUsed(
      BlockDevice device, HeaderCopies copies, @Nullable VolumeHeader before) throws IOException {
    if (before != null) {
      throw new VolumeRefusedException(
          Reason.ALREADY_FORMATTED,
          device.name()
              + " is volume "
              + before.number()
              + " of file system "
              + before.fileSystem()
              + " since "
              + before.created()
              + ". If that file system is gone, format it with --force; its data will be lost.");
    }
    if (!copies.bothBlank() || !blank(device)) {
      throw new VolumeRefusedException(
          Reason.LOOKS_USED,
          device.name()
              + " looks used: its first MiB is not all zeros. If nothing on it is needed, format it"
              + " with --force.");
    }
  }

  private static boolean blank(BlockDevice device) throws IOException {
    ByteBuffer beginning = ByteBuffer.allocateDirect(RESERVED_BYTES);
    device.read(beginning, 0);
    return HeaderFormat.isZero(beginning);
  }

  /**
   * Makes a device one that looks unused: fills the first MiB with zeros. May be repeated; after a
   * crash meanwhile it may look damaged, and is to be wiped again.
   */
  public static void wipe(BlockDevice device) throws IOException {
    long epoch = device.epoch();
    device.write(ByteBuffer.allocateDirect(RESERVED_BYTES), 0);
    device.flushSince(epoch);
  }

  /** The header of whatever volume a device is, if it is one; changes nothing. */
  public static Optional<VolumeHeader> look(BlockDevice device) throws IOException {
    return Optional.ofNullable(HeaderCopies.read(device).newest());
  }

  /**
   * Makes sure that a device is the volume that is wanted, and repairs a damaged or older copy of
   * its header. May be repeated, and run on several hosts at once.
   *
   * @throws VolumeRefusedException when it is not
   */
  public static VolumeHeader check(BlockDevice device, ExpectedVolume expected) throws IOException {
    HeaderCopies copies = HeaderCopies.read(device);
    VolumeHeader header = copies.newest();
    refuseNewer(device, copies);
    if (header == null) {
      throw noHeader(device, copies);
    }
    refuseOther(device, header, expected);
    if (device.size() < header.deviceBytes()) {
      throw new VolumeRefusedException(
          Reason.SHRUNK,
          device.name()
              + " has shrunk: "
              + device.size()
              + " bytes, and its header says "
              + header.deviceBytes()
              + ". Give it its old size back; data behind the end cannot be read.");
    }
    if (copies.repair(header)) {
      LOG.warn(
          "{}: one of the two headers was damaged or old, and has been repaired", device.name());
    }
    return header;
  }

  private static void refuseNewer(BlockDevice device, HeaderCopies copies)
      throws VolumeRefusedException {
    if (copies.newerVersion() > 0) {
      throw new VolumeRefusedException(
          Reason.NEWER_FORMAT,
          device.name()
              + " has a header of format "
              + copies.newerVersion()
              + "; this program knows up to "
              + HeaderFormat.VERSION
              + ". Use a newer one.");
    }
  }

  private static VolumeRefusedException noHeader(BlockDevice device, HeaderCopies copies) {
    return copies.anyDamaged()
        ? new VolumeRefusedException(
            Reason.DAMAGED,
            device.name()
                + " is a volume whose two headers are both damaged. Look whether something else"
                + " writes to the device; restore its first MiB from a copy.")
        : new VolumeRefusedException(
            Reason.NOT_FORMATTED,
            device.name() + " is no volume of CurveFS. Look whether this is the right device.");
  }

  private static void refuseOther(BlockDevice device, VolumeHeader header, ExpectedVolume expected)
      throws VolumeRefusedException {
    if (!header.fileSystem().equals(expected.fileSystem())) {
      throw new VolumeRefusedException(
          Reason.OTHER_FILE_SYSTEM,
          device.name()
              + " belongs to file system "
              + header.fileSystem()
              + ", not to "
              + expected.fileSystem()
              + ". Look whether this is the right device.");
    }
    if (header.number() != expected.number()) {
      throw new VolumeRefusedException(
          Reason.OTHER_VOLUME,
          device.name()
              + " is volume "
              + header.number()
              + " of the file system, not "
              + expected.number()
              + ". Look whether this is the right device.");
    }
  }

  /**
   * Takes over a device's present size into its header. May be repeated; a crash leaves the old
   * size or the new one.
   *
   * @throws VolumeRefusedException as {@link #check}
   */
  public static VolumeHeader grow(BlockDevice device, ExpectedVolume expected) throws IOException {
    long bytes = device.refreshSize();
    VolumeHeader header = check(device, expected);
    if (bytes == header.deviceBytes()) {
      return header;
    }
    VolumeHeader grown = header.grown(bytes);
    HeaderCopies.write(device, grown);
    return grown;
  }
}
