package io.curvefs.space.volume;

import io.curvefs.space.device.BlockDevice;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The bytes of a header: one block, big-endian.
 *
 * <pre>
 *    0  magic "CURVEVOL"        64  device bytes, u64
 *    8  version, u32            72  created, milliseconds, u64
 *   12  number, u32             80  generation, u64
 *   16  file system, UUID       88  bytes of the pool set's name, u32
 *   32  volume, UUID            92  the name, UTF-8, up to 64 bytes
 *   48  block bytes, u32       156  zeros
 *   52  group blocks, u32     4092  CRC32C of all before
 *   56  zeros
 * </pre>
 */
final class HeaderFormat {
  static final int BYTES = BlockDevice.BLOCK_BYTES;
  static final int VERSION = 1;

  private static final long MAGIC = 0x4355_5256_4556_4f4cL;
  private static final int VERSION_AT = 8;
  private static final int DEVICE_AT = 64;
  private static final int CHECKSUM_AT = BYTES - Integer.BYTES;

  private HeaderFormat() {}

  /** A direct buffer to be written. */
  static ByteBuffer encode(VolumeHeader header) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES);
    bytes.putLong(MAGIC).putInt(VERSION).putInt(header.number());
    put(bytes, header.fileSystem());
    put(bytes, header.volume());
    bytes.putInt(header.blockBytes()).putInt(header.groupBlocks());
    bytes.position(DEVICE_AT);
    bytes.putLong(header.deviceBytes());
    bytes.putLong(header.created().toEpochMilli());
    bytes.putLong(header.generation());
    byte[] poolSet = header.poolSet().getBytes(StandardCharsets.UTF_8);
    bytes.putInt(poolSet.length).put(poolSet);
    bytes.putInt(CHECKSUM_AT, checksum(bytes));
    return bytes.clear();
  }

  /** What a copy's place holds. */
  sealed interface Found {
    /** A header. */
    record Good(VolumeHeader header) implements Found {}

    /** Zeros: never written. */
    record Blank() implements Found {}

    /** A header of a program that is newer than this one. */
    record Newer(int version) implements Found {}

    /** A header that has been damaged. */
    record Damaged() implements Found {}

    /** Something that is no header at all. */
    record Foreign() implements Found {}
  }

  /** Takes a copy apart. */
  static Found decode(ByteBuffer bytes) {
    if (isZero(bytes)) {
      return new Found.Blank();
    }
    if (bytes.getLong(0) != MAGIC) {
      return new Found.Foreign();
    }
    if (bytes.getInt(CHECKSUM_AT) != checksum(bytes)) {
      return new Found.Damaged();
    }
    int version = bytes.getInt(VERSION_AT);
    if (version > VERSION) {
      return new Found.Newer(version);
    }
    try {
      return new Found.Good(header(bytes));
    } catch (IllegalArgumentException e) {
      return new Found.Damaged(); // whole, but not of our making
    }
  }

  private static VolumeHeader header(ByteBuffer whole) {
    ByteBuffer bytes = whole.duplicate().clear();
    bytes.position(VERSION_AT + Integer.BYTES);
    int number = bytes.getInt();
    UUID fileSystem = new UUID(bytes.getLong(), bytes.getLong());
    UUID volume = new UUID(bytes.getLong(), bytes.getLong());
    int blockBytes = bytes.getInt();
    int groupBlocks = bytes.getInt();
    bytes.position(DEVICE_AT);
    long deviceBytes = bytes.getLong();
    Instant created = Instant.ofEpochMilli(bytes.getLong());
    long generation = bytes.getLong();
    int length = bytes.getInt();
    if (length < 0 || length > VolumeHeader.POOL_SET_BYTES_MAX) {
      throw new IllegalArgumentException("bad length of a name: " + length);
    }
    byte[] poolSet = new byte[length];
    bytes.get(poolSet);
    return new VolumeHeader(
        fileSystem,
        number,
        volume,
        blockBytes,
        groupBlocks,
        deviceBytes,
        new String(poolSet, StandardCharsets.UTF_8),
        created,
        generation);
  }

  static boolean isZero(ByteBuffer bytes) {
    for (int at = bytes.position(); at < bytes.limit(); at += Long.BYTES) {
      if (bytes.getLong(at) != 0) {
        return false;
      }
    }
    return true;
  }

  private static void put(ByteBuffer bytes, UUID id) {
    bytes.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
  }

  private static int checksum(ByteBuffer bytes) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes.duplicate().position(0).limit(CHECKSUM_AT));
    return (int) checksum.getValue();
  }
}
