package io.curvefs.objectstore.aws;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The CRC32C of a whole object, kept beside it as user metadata {@code x-amz-meta-crc32c} in 8 hex
 * digits. Our own rather than the SDK's, whose checksums re-chunk the body and are refused by many
 * S3-compatible stores.
 */
final class BodyChecksum {

  private static final String NAME = "crc32c";

  private BodyChecksum() {}

  static Map<String, String> metadata(List<ByteBuffer> body) {
    CRC32C crc = new CRC32C();
    for (ByteBuffer buffer : body) {
      crc.update(buffer.duplicate());
    }
    return Map.of(NAME, hex(crc));
  }

  /**
   * The checksum in the metadata of an answer, or null; stores change the case of names as they
   * like.
   */
  static @Nullable String find(Map<String, String> metadata) {
    for (Map.Entry<String, String> entry : metadata.entrySet()) {
      if (entry.getKey().equalsIgnoreCase(NAME)) {
        return entry.getValue();
      }
    }
    return null;
  }

  static String hex(CRC32C crc) {
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }
}
