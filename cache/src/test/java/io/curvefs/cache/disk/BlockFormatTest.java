package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class BlockFormatTest {
  private static final UUID NAMESPACE = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

  /** Files of this form are in caches out there. A change needs a new version, not a new test. */
  @Test
  void the_bytes_of_version_1_are_frozen() {
    BlockId id = new BlockId(0x0102030405060708L, 0x11121314, 9);
    ByteBuffer content = ByteBuffer.wrap("123456789".getBytes(StandardCharsets.US_ASCII));
    ByteBuffer tail = BlockFormat.tail(NAMESPACE, id, List.of(content));
    assertThat(HexFormat.of().formatHex(tail.array()))
        .isEqualTo(
            "e3069283" // CRC32C of "123456789", as RFC 3720 has it
                + "4375727665426c6b" // CurveBlk
                + "00000001"
                + "00112233445566778899aabbccddeeff"
                + "0102030405060708"
                + "11121314"
                + "00000009"
                + "9d6692de");
    assertThat(BlockFormat.fileBytes(id)).isEqualTo(9 + 4 + 48);
  }

  @Test
  void every_started_16_KiB_have_their_own_checksum() {
    assertThat(BlockFormat.tailBytes(new BlockId(1, 1, 1))).isEqualTo(4 + 48);
    assertThat(BlockFormat.tailBytes(new BlockId(1, 1, 16 << 10))).isEqualTo(4 + 48);
    assertThat(BlockFormat.tailBytes(new BlockId(1, 1, (16 << 10) + 1))).isEqualTo(8 + 48);
    assertThat(BlockFormat.tailBytes(new BlockId(1, 1, 4 << 20))).isEqualTo(1024 + 48);
  }

  @Test
  void a_flipped_bit_anywhere_in_the_tail_is_found() throws Exception {
    BlockId id = new BlockId(5, 6, 40_000);
    ByteBuffer tail = BlockFormat.tail(NAMESPACE, id, List.of(content(id)));
    assertThatCode(() -> BlockFormat.checkTail(NAMESPACE, id, tail)).doesNotThrowAnyException();
    for (int bit = 0; bit < tail.limit() * 8; bit++) {
      flip(tail, bit);
      assertThatThrownBy(() -> BlockFormat.checkTail(NAMESPACE, id, tail))
          .isInstanceOf(CorruptBlockException.class);
      flip(tail, bit);
    }
  }

  @Test
  void a_flipped_bit_anywhere_in_the_content_is_found() throws Exception {
    BlockId id = new BlockId(5, 6, 40_000);
    ByteBuffer content = content(id);
    ByteBuffer tail = BlockFormat.tail(NAMESPACE, id, List.of(content));
    BlockFormat.checkContent(id, tail, 0, List.of(content));
    for (int bit = 0; bit < content.limit() * 8; bit += 997) {
      flip(content, bit);
      assertThatThrownBy(() -> BlockFormat.checkContent(id, tail, 0, List.of(content)))
          .isInstanceOf(CorruptBlockException.class);
      flip(content, bit);
    }
  }

  @Test
  void the_tail_of_another_block_or_file_system_is_refused() {
    BlockId id = new BlockId(5, 6, 10);
    ByteBuffer tail = BlockFormat.tail(NAMESPACE, id, List.of(content(id)));
    for (BlockId other :
        List.of(new BlockId(4, 6, 10), new BlockId(5, 7, 10), new BlockId(5, 6, 9))) {
      assertThatThrownBy(() -> BlockFormat.checkTail(NAMESPACE, other, tail))
          .isInstanceOf(CorruptBlockException.class);
    }
    assertThatThrownBy(() -> BlockFormat.checkTail(new UUID(1, 2), id, tail))
        .isInstanceOf(CorruptBlockException.class);
  }

  @Test
  void a_piece_in_the_wrong_place_is_found() throws Exception {
    BlockId id = new BlockId(5, 6, 3 * BlockFormat.PIECE_BYTES);
    ByteBuffer content = content(id);
    ByteBuffer tail = BlockFormat.tail(NAMESPACE, id, List.of(content));
    ByteBuffer second = content.slice(BlockFormat.PIECE_BYTES, BlockFormat.PIECE_BYTES);
    BlockFormat.checkContent(id, tail, BlockFormat.PIECE_BYTES, List.of(second));
    assertThatThrownBy(() -> BlockFormat.checkContent(id, tail, 0, List.of(second)))
        .isInstanceOf(CorruptBlockException.class);
  }

  private static ByteBuffer content(BlockId id) {
    return ByteBuffer.wrap(TestBlocks.bytesOf(id));
  }

  private static void flip(ByteBuffer bytes, int bit) {
    bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ (1 << (bit % 8))));
  }
}
