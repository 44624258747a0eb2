package io.curvefs.client.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.zip.CRC32C;

/**
 * Pseudo-random bytes, each 4 KiB different from all others, so that a store gains nothing by
 * looking for equal blocks: a buffer of noise with stamps of seed, file and offset. Same seed and
 * piece size, same bytes. Owned by one thread at a time; its buffer is overwritten by each call.
 */
public final class Content {
  private static final int STAMP_EVERY_BYTES = 4096;

  private final long seed;
  private final ByteBuffer buffer;

  /**
   * @param pieceBytes most bytes that are asked for at once
   */
  public Content(long seed, int pieceBytes) {
    this.seed = seed;
    int pages = (pieceBytes + STAMP_EVERY_BYTES - 1) / STAMP_EVERY_BYTES;
    byte[] noise = new byte[Math.multiplyExact(pages, STAMP_EVERY_BYTES)];
    new Random(seed).nextBytes(noise);
    buffer = ByteBuffer.allocateDirect(noise.length).order(ByteOrder.LITTLE_ENDIAN).put(noise);
  }

  /**
   * Bytes of a file, from the buffer's position to its limit.
   *
   * @param offset a multiple of 4096
   */
  public ByteBuffer piece(long file, long offset, int length) {
    buffer.clear().limit(length);
    for (int at = 0; at < length; at += STAMP_EVERY_BYTES) {
      // The stamp of a short end may lie beyond the limit, within the capacity.
      buffer.limit(Math.max(length, at + Long.BYTES));
      buffer.putLong(at, mix(seed ^ mix(file ^ mix(offset + at))));
    }
    return buffer.limit(length);
  }

  /** CRC32C of a whole file. */
  public int checksum(long file, long length) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < length; at += buffer.capacity()) {
      crc.update(piece(file, at, (int) Math.min(buffer.capacity(), length - at)));
    }
    return (int) crc.getValue();
  }

  /** Finalizer of splitmix64: every bit of the result depends on every bit given. */
  private static long mix(long value) {
    long mixed = value + 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
