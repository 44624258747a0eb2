package io.curvefs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectKeysTest {

  private static final String FS = "0190a5c2-7b1e-7c33-9d4f-2b6a8e1c5d70";

  /** Frozen: buckets in the field hold these keys. Never change an expected string. */
  @Test
  void the_layout_of_keys_never_changes() {
    assertThat(ObjectKeys.prefix(FS)).isEqualTo("0190a5c2-7b1e-7c33-9d4f-2b6a8e1c5d70/");
    assertThat(ObjectKeys.marker(FS))
        .isEqualTo("0190a5c2-7b1e-7c33-9d4f-2b6a8e1c5d70/curvefs.json");
    assertThat(ObjectKeys.data(FS)).isEqualTo("0190a5c2-7b1e-7c33-9d4f-2b6a8e1c5d70/data/");
    assertThat(
            List.of(
                ObjectKeys.block(FS, 0, 0, 1),
                ObjectKeys.block(FS, 1, 0, 4194304),
                ObjectKeys.block(FS, 2, 15, 4194304),
                ObjectKeys.block(FS, 0xabcdef0123L, 7, 65537),
                ObjectKeys.block(FS, Long.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE)))
        .containsExactly(
            FS + "/data/00/0000000000000000_0_1",
            FS + "/data/9e/0000000000000001_0_4194304",
            FS + "/data/3c/0000000000000002_15_4194304",
            FS + "/data/0e/000000abcdef0123_7_65537",
            FS + "/data/e1/7fffffffffffffff_2147483647_2147483647");
  }

  @Test
  void a_key_reads_back_as_the_block_it_was_made_from() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 10_000; i++) {
      long slice = random.nextLong() >>> (1 + random.nextInt(62));
      int index = random.nextInt() >>> (1 + random.nextInt(30));
      int length = 1 + (random.nextInt() >>> (2 + random.nextInt(29)));
      BlockKey block = new BlockKey(FS, slice, index, length);
      assertThat(ObjectKeys.parseBlock(ObjectKeys.block(block)))
          .as("seed %d", seed)
          .contains(block);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        FS + "/curvefs.json",
        FS + "/data/9e/0000000000000001_0_0",
        FS + "/data/9e/0000000000000001_0_04",
        FS + "/data/9e/0000000000000001_00_4",
        FS + "/data/9e/0000000000000001_0_4294967296",
        FS + "/data/9e/0000000000000001_2147483648_4",
        FS + "/data/9d/0000000000000001_0_4",
        FS + "/data/9e/8000000000000001_0_4",
        FS + "/data/9e/0000000000000001_0_4-3f2b6a8e-1c5d-4e70-9d4f-0190a5c27b1e",
        FS + "/data/9E/0000000000000001_0_4",
        FS + "/data/9e/0000000000000001_0_4\n",
        "x" + FS + "/data/9e/0000000000000001_0_4"
      })
  void what_is_not_exactly_a_block_key_is_none(String key) {
    assertThat(ObjectKeys.parseBlock(key)).isEmpty();
  }

  @Test
  void neighbouring_and_strided_slices_spread_over_the_prefixes() {
    for (long stride : new long[] {1, 2, 16, 256, 1024, 1L << 36}) {
      Set<String> prefixes = new HashSet<>();
      for (int i = 0; i < 512; i++) {
        prefixes.add(
            ObjectKeys.block(FS, i * stride, 0, 1).substring(FS.length() + 6, FS.length() + 8));
      }
      assertThat(prefixes).as("stride %d", stride).hasSizeGreaterThan(200);
    }
  }

  @Test
  void nonsense_makes_no_key() {
    assertThatThrownBy(() -> ObjectKeys.block("../etc", 1, 0, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ObjectKeys.marker(FS.toUpperCase(java.util.Locale.ROOT)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ObjectKeys.block(FS, -1, 0, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ObjectKeys.block(FS, 1, -1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ObjectKeys.block(FS, 1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
