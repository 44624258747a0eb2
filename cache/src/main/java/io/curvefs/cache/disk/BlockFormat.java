package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The bytes of a block's file, version 1, all integers big-endian:
 *
 * <pre>
 *   content                 id.length() bytes, first so that it lies on page boundaries
 *   checksums               one CRC32C (int) per started 16 KiB of content
 *   magic                   8 bytes "CurveBlk"
 *   version                 int, 1
 *   namespace               2 longs, the UUID of the file system
 *   slice, index, length    long, int, int
 *   checksum                CRC32C (int) of everything from the checksums to here
 * </pre>
 *
 * What follows the content is called the tail. It proves whose bytes these are, so that a file
 * under a wrong name is as bad as a flipped bit; and a range is checked without reading the whole
 * block. Pure.
 */
final class BlockFormat {
  /** Content bytes under one checksum. Divides a page. */
  static final int PIECE_BYTES = 16 << 10;

  private static final long MAGIC = 0x4375727665426c6bL; // CurveBlk
  private static final int VERSION = 1;
  private static final int FOOTER_BYTES = 8 + 4 + 16 + 8 + 4 + 4 + 4;

  private BlockFormat() {}

  static int tailBytes(BlockId id) {
    int pieces = (id.length() + PIECE_BYTES - 1) / PIECE_BYTES;
    return pieces * Integer.BYTES + FOOTER_BYTES;
  }

  static int fileBytes(BlockId id) {
    return id.length() + tailBytes(id);
  }

  /** The tail of a file with this content, ready to be written. */
  static ByteBuffer tail(UUID namespace, BlockId id, List<ByteBuffer> content) {
    ByteBuffer tail = ByteBuffer.allocate(tailBytes(id));
    for (ByteBuffer part : content) {
      for (int at = part.position(); at < part.limit(); at += PIECE_BYTES) {
        tail.putInt(checksum(part, at));
      }
    }
    putFooter(tail, namespace, id);
    return tail.flip();
  }

  /**
   * Checks that {@code tail} is whole and belongs to the block.
   *
   * @throws CorruptBlockException if not
   */
  static void checkTail(UUID namespace, BlockId id, ByteBuffer tail) throws CorruptBlockException {
    ByteBuffer expected = ByteBuffer.allocate(tailBytes(id));
    expected.put(tail.slice(0, tailBytes(id) - FOOTER_BYTES));
    putFooter(expected, namespace, id);
    if (!expected.flip().equals(tail.slice(0, tailBytes(id)))) {
      throw new CorruptBlockException("not the file of block " + id);
    }
  }

  /**
   * Checks content against a checked tail.
   *
   * @param offset where in the block the content starts; at a piece, as each of its buffers does
   * @throws CorruptBlockException if a checksum differs
   */
  static void checkContent(BlockId id, ByteBuffer tail, int offset, List<ByteBuffer> content)
      throws CorruptBlockException {
    int piece = offset / PIECE_BYTES;
    for (ByteBuffer part : content) {
      for (int at = part.position(); at < part.limit(); at += PIECE_BYTES) {
        if (tail.getInt(piece * Integer.BYTES) != checksum(part, at)) {
          throw new CorruptBlockException("damaged content of block " + id);
        }
        piece++;
      }
    }
  }

  private static void putFooter(ByteBuffer tail, UUID namespace, BlockId id) {
    tail.putLong(MAGIC).putInt(VERSION);
    tail.putLong(namespace.getMostSignificantBits()).putLong(namespace.getLeastSignificantBits());
    tail.putLong(id.slice()).putInt(id.index()).putInt(id.length());
    CRC32C checksum = new CRC32C();
    checksum.update(tail.duplicate().flip());
    tail.putInt((int) checksum.getValue());
  }

  /** Checksum of the piece that starts at {@code from}. */
  private static int checksum(ByteBuffer part, int from) {
    CRC32C checksum = new CRC32C();
    checksum.update(part.slice(from, Math.min(PIECE_BYTES, part.limit() - from)));
    return (int) checksum.getValue();
  }
}
