package io.curvefs.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class PartFormatTest {
  private static final UUID NAMESPACE = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
  private static final BlockId ID = new BlockId(5, 6, PartLayout.BYTES + 40_000);

  private static ByteBuffer header(UUID namespace, BlockId id, int part, ByteBuffer content) {
    ByteBuffer header = ByteBuffer.allocate(PartFormat.HEADER_BYTES);
    PartFormat.putHeader(header, namespace, id, part, List.of(content));
    return header.flip();
  }

  private static ByteBuffer content(BlockId id, int part) {
    int from = part * PartLayout.BYTES;
    return ByteBuffer.wrap(
        Arrays.copyOfRange(TestBlocks.bytesOf(id), from, from + PartLayout.length(id, part)));
  }

  private static boolean isPart(BlockId id, int part, ByteBuffer header, ByteBuffer content) {
    return PartFormat.isPart(NAMESPACE, id, part, header, List.of(content));
  }

  /** Values of this form are on servers out there. A change needs a new version. */
  @Test
  void the_bytes_of_version_1_are_frozen() {
    BlockId id = new BlockId(0x0102030405060708L, 0x11121314, 9);
    ByteBuffer content = ByteBuffer.wrap("123456789".getBytes(StandardCharsets.US_ASCII));
    assertThat(HexFormat.of().formatHex(header(NAMESPACE, id, 0, content).array()))
        .isEqualTo(
            "4375727665507274" // CurvePrt
                + "00000001"
                + "00112233445566778899aabbccddeeff"
                + "0102030405060708"
                + "11121314"
                + "00000009"
                + "00000000"
                + "00000009"
                + "11b8092a"); // CRC32C of the above and the content
    assertThat(PartFormat.valueBytes(id, 0)).isEqualTo(56 + 9);
    assertThat(PartLayout.key(NAMESPACE, id, 0))
        .isEqualTo("cfs1:00112233445566778899aabbccddeeff:72623859790382856_286397204_9:0");
  }

  @Test
  void a_flipped_bit_anywhere_is_found() {
    ByteBuffer content = content(ID, 1);
    ByteBuffer header = header(NAMESPACE, ID, 1, content);
    assertThat(isPart(ID, 1, header, content)).isTrue();
    for (int bit = 0; bit < header.limit() * 8; bit++) {
      flip(header, bit);
      assertThat(isPart(ID, 1, header, content)).isFalse();
      flip(header, bit);
    }
    for (int bit = 0; bit < content.limit() * 8; bit += 997) {
      flip(content, bit);
      assertThat(isPart(ID, 1, header, content)).isFalse();
      flip(content, bit);
    }
    assertThat(isPart(ID, 1, header, content)).isTrue();
  }

  private static void flip(ByteBuffer bytes, int bit) {
    bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ (1 << (bit % 8))));
  }

  @Test
  void what_belongs_elsewhere_is_refused() {
    BlockId id = new BlockId(5, 6, 2 * PartLayout.BYTES);
    ByteBuffer content = content(id, 0);
    ByteBuffer header = header(NAMESPACE, id, 0, content);
    assertThat(isPart(id, 0, header, content)).isTrue();
    assertThat(isPart(id, 1, header, content)).isFalse();
    assertThat(isPart(new BlockId(4, 6, id.length()), 0, header, content)).isFalse();
    assertThat(isPart(new BlockId(5, 7, id.length()), 0, header, content)).isFalse();
    assertThat(isPart(new BlockId(5, 6, id.length() - 1), 0, header, content)).isFalse();
    assertThat(PartFormat.isPart(new UUID(1, 2), id, 0, header, List.of(content))).isFalse();
  }
}
