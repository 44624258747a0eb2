package io.curvefs.space.volume;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.volume.HeaderFormat.Found;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The two copies of a header on a device, and the order in which they change: the second, flushed,
 * then the first, flushed. So at any moment one of them is whole.
 */
final class HeaderCopies {
  static final long FIRST_AT = 0;
  static final long SECOND_AT = 512 << 10;

  private final BlockDevice device;
  private final Found first;
  private final Found second;

  private HeaderCopies(BlockDevice device, Found first, Found second) {
    this.device = device;
    this.first = first;
    this.second = second;
  }

  static HeaderCopies read(BlockDevice device) throws IOException {
    return new HeaderCopies(device, readOne(device, FIRST_AT), readOne(device, SECOND_AT));
  }

  private static Found readOne(BlockDevice device, long offset) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(HeaderFormat.BYTES);
    device.read(bytes, offset);
    return HeaderFormat.decode(bytes);
  }

  static void write(BlockDevice device, VolumeHeader header) throws IOException {
    long epoch = device.epoch();
    device.write(HeaderFormat.encode(header), SECOND_AT);
    device.flushSince(epoch);
    device.write(HeaderFormat.encode(header), FIRST_AT);
    device.flushSince(epoch);
  }

  /** The newer of the good ones; null when there is none. */
  @Nullable VolumeHeader newest() {
    VolumeHeader one = header(first);
    VolumeHeader other = header(second);
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    return other.generation() > one.generation() ? other : one;
  }

  private static @Nullable VolumeHeader header(Found found) {
    return found instanceof Found.Good good ? good.header() : null;
  }

  boolean bothBlank() {
    return first instanceof Found.Blank && second instanceof Found.Blank;
  }

  /** Whether either was a header once. */
  boolean anyDamaged() {
    return first instanceof Found.Damaged || second instanceof Found.Damaged;
  }

  /** The version of a copy that this program does not know; 0 for none. */
  int newerVersion() {
    int one = first instanceof Found.Newer newer ? newer.version() : 0;
    int other = second instanceof Found.Newer newer ? newer.version() : 0;
    return Math.max(one, other);
  }

  /** Makes both copies the newest. Returns whether there was anything to do. */
  boolean repair(VolumeHeader newest) throws IOException {
    long epoch = device.epoch();
    boolean repaired = false;
    if (!newest.equals(header(second))) {
      device.write(HeaderFormat.encode(newest), SECOND_AT);
      repaired = true;
    }
    if (!newest.equals(header(first))) {
      device.write(HeaderFormat.encode(newest), FIRST_AT);
      repaired = true;
    }
    if (repaired) {
      device.flushSince(epoch);
    }
    return repaired;
  }
}
