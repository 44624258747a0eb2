package io.curvefs.space.volume;

import io.curvefs.space.device.BlockDevice;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

/**
 * What a device says about itself once it is a volume.
 *
 * @param fileSystem whose volume it is
 * @param number of the volume in its file system
 * @param volume its own identity; another after each format
 * @param blockBytes {@value BlockDevice#BLOCK_BYTES}
 * @param groupBlocks blocks of a block group
 * @param deviceBytes that are used; the device has at least these
 * @param poolSet kind of medium, at most 64 bytes of UTF-8
 * @param created in whole milliseconds
 * @param generation grows with each change of the header
 */
public record VolumeHeader(
    UUID fileSystem,
    int number,
    UUID volume,
    int blockBytes,
    int groupBlocks,
    long deviceBytes,
    String poolSet,
    Instant created,
    long generation) {
  /** Blocks of a block group: 128 MiB. */
  public static final int GROUP_BLOCKS = 32_768;

  static final int POOL_SET_BYTES_MAX = 64;

  /** Checks the ranges. */
  public VolumeHeader {
    if (number < 0 || generation < 1) {
      throw new IllegalArgumentException("bad volume: " + number + ", generation " + generation);
    }
    if (blockBytes != BlockDevice.BLOCK_BYTES || groupBlocks <= 0 || groupBlocks % 64 != 0) {
      throw new IllegalArgumentException(
          "bad geometry: blocks of " + blockBytes + " bytes, groups of " + groupBlocks);
    }
    if (deviceBytes <= 0 || deviceBytes % blockBytes != 0) {
      throw new IllegalArgumentException("no whole blocks: " + deviceBytes + " bytes");
    }
    if (poolSet.getBytes(StandardCharsets.UTF_8).length > POOL_SET_BYTES_MAX) {
      throw new IllegalArgumentException(
          "the name of a pool set has at most " + POOL_SET_BYTES_MAX + " bytes: " + poolSet);
    }
    if (!created.equals(Instant.ofEpochMilli(created.toEpochMilli()))) {
      throw new IllegalArgumentException("not in whole milliseconds: " + created);
    }
  }

  /** The header after its device has grown. */
  VolumeHeader grown(long bytes) {
    return new VolumeHeader(
        fileSystem,
        number,
        volume,
        blockBytes,
        groupBlocks,
        bytes,
        poolSet,
        created,
        generation + 1);
  }

  /** The same with another generation. */
  VolumeHeader ofGeneration(long other) {
    return new VolumeHeader(
        fileSystem, number, volume, blockBytes, groupBlocks, deviceBytes, poolSet, created, other);
  }
}
