package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The bytes of a part on a server, version 1, all integers big-endian:
 *
 * <pre>
 *   magic                   8 bytes "CurvePrt"
 *   version                 int, 1
 *   namespace               2 longs, the UUID of the file system
 *   slice, index, length    long, int, int: the block
 *   part, bytes             int, int: which part, and the bytes of content that follow the header
 *   checksum                CRC32C (int) of all of the above and the content
 *   content
 * </pre>
 *
 * The header proves whose bytes these are, so that what stands under a wrong key is as bad as a
 * flipped bit. Pure.
 */
final class PartFormat {
  private static final long MAGIC = 0x4375727665507274L; // CurvePrt
  private static final int VERSION = 1;
  private static final int IDENTITY_BYTES = 8 + 4 + 16 + 8 + 4 + 4 + 4 + 4;

  /** Bytes before the content. */
  static final int HEADER_BYTES = IDENTITY_BYTES + 4;

  private PartFormat() {}

  /** Bytes of the whole value. */
  static int valueBytes(BlockId id, int part) {
    return HEADER_BYTES + PartLayout.length(id, part);
  }

  /** Appends a header for this content to {@code value}. */
  static void putHeader(
      ByteBuffer value, UUID namespace, BlockId id, int part, List<ByteBuffer> content) {
    ByteBuffer identity = identity(namespace, id, part);
    value.put(identity.duplicate()).putInt(checksum(identity, content));
  }

  /**
   * Whether header and content are those of the part.
   *
   * @param header of {@link #HEADER_BYTES}
   * @param content as long as the part, from position to limit of each buffer
   */
  static boolean isPart(
      UUID namespace, BlockId id, int part, ByteBuffer header, List<ByteBuffer> content) {
    ByteBuffer identity = identity(namespace, id, part);
    return identity.equals(header.slice(0, IDENTITY_BYTES))
        && header.getInt(IDENTITY_BYTES) == checksum(identity, content);
  }

  private static ByteBuffer identity(UUID namespace, BlockId id, int part) {
    ByteBuffer identity = ByteBuffer.allocate(IDENTITY_BYTES).putLong(MAGIC).putInt(VERSION);
    identity.putLong(namespace.getMostSignificantBits());
    identity.putLong(namespace.getLeastSignificantBits());
    identity.putLong(id.slice()).putInt(id.index()).putInt(id.length());
    return identity.putInt(part).putInt(PartLayout.length(id, part)).flip();
  }

  private static int checksum(ByteBuffer identity, List<ByteBuffer> content) {
    CRC32C checksum = new CRC32C();
    checksum.update(identity.duplicate());
    for (ByteBuffer bytes : content) {
      checksum.update(bytes.duplicate());
    }
    return (int) checksum.getValue();
  }
}
