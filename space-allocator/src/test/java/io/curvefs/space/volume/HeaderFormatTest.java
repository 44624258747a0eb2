package io.curvefs.space.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.volume.HeaderFormat.Found;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class HeaderFormatTest {
  static final VolumeHeader HEADER =
      new VolumeHeader(
          UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"),
          3,
          UUID.fromString("f0e0d0c0-b0a0-9080-7060-504030201000"),
          4096,
          VolumeHeader.GROUP_BLOCKS,
          256L << 20,
          "ssd-é",
          Instant.ofEpochMilli(1_700_000_000_123L),
          5);

  @Test
  void the_bytes_are_frozen() {
    ByteBuffer bytes = HeaderFormat.encode(HEADER);
    byte[] all = new byte[HeaderFormat.BYTES];
    bytes.get(0, all);
    String golden =
        "4355525645564f4c" // magic
            + "00000001"
            + "00000003"
            + "00112233445566778899aabbccddeeff"
            + "f0e0d0c0b0a090807060504030201000"
            + "00001000"
            + "00008000"
            + "0000000000000000"
            + "0000000010000000"
            + "0000018bcfe5687b"
            + "0000000000000005"
            + "00000006"
            + "7373642dc3a9";
    assertThat(HexFormat.of().formatHex(all, 0, golden.length() / 2)).isEqualTo(golden);
    for (int i = golden.length() / 2; i < 4092; i++) {
      assertThat(all[i]).isZero();
    }
    assertThat(HexFormat.of().formatHex(all, 4092, 4096)).isEqualTo("33605940");
    assertThat(HeaderFormat.decode(bytes)).isEqualTo(new Found.Good(HEADER));
  }

  @Test
  void any_changed_bit_is_found() {
    for (int bit = 0; bit < HeaderFormat.BYTES * 8; bit += 7) {
      ByteBuffer bytes = HeaderFormat.encode(HEADER);
      bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ 1 << bit % 8));
      assertThat(HeaderFormat.decode(bytes))
          .isInstanceOfAny(Found.Damaged.class, Found.Foreign.class);
    }
  }

  @Test
  void what_a_place_holds_is_told_apart() {
    ByteBuffer bytes = ByteBuffer.allocateDirect(HeaderFormat.BYTES);
    assertThat(HeaderFormat.decode(bytes)).isEqualTo(new Found.Blank());
    bytes.put(2000, (byte) 1);
    assertThat(HeaderFormat.decode(bytes)).isEqualTo(new Found.Foreign());
  }

  @Test
  void a_header_that_exists_is_valid() {
    assertThatThrownBy(() -> withPoolSet("x".repeat(65))).hasMessageContaining("64 bytes");
    assertThatThrownBy(() -> HEADER.ofGeneration(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> HEADER.grown(4097)).isInstanceOf(IllegalArgumentException.class);
    assertThat(HeaderFormat.decode(HeaderFormat.encode(withPoolSet("x".repeat(64)))))
        .isEqualTo(new Found.Good(withPoolSet("x".repeat(64))));
  }

  private static VolumeHeader withPoolSet(String name) {
    return new VolumeHeader(
        HEADER.fileSystem(),
        HEADER.number(),
        HEADER.volume(),
        HEADER.blockBytes(),
        HEADER.groupBlocks(),
        HEADER.deviceBytes(),
        name,
        HEADER.created(),
        HEADER.generation());
  }
}
