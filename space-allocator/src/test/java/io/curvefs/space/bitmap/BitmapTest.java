package io.curvefs.space.bitmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class BitmapTest {
  /** Stored bitmaps must be read as they were written, for ever. */
  @Test
  void the_format_is_frozen() {
    Bitmap bitmap = Bitmap.ofBits(2 * 4096);
    assertThat(bitmap.set(0, 1)).isEqualTo(Bitmap.DONE);
    assertThat(bitmap.set(9, 3)).isEqualTo(Bitmap.DONE);
    assertThat(bitmap.set(60, 8)).isEqualTo(Bitmap.DONE);
    assertThat(bitmap.set(4095, 3)).isEqualTo(Bitmap.DONE);

    byte[] first = bitmap.segment(0);
    byte[] second = bitmap.segment(1);

    assertThat(first).hasSize(512);
    assertThat(HexFormat.of().formatHex(first, 0, 12)).isEqualTo("010e0000000000f00f000000");
    assertThat(first[511]).isEqualTo((byte) 0x80);
    assertThat(second).hasSize(512);
    assertThat(HexFormat.of().formatHex(second, 0, 4)).isEqualTo("03000000");
    assertThat(Bitmap.over(first).count() + Bitmap.over(second).count()).isEqualTo(15);
  }

  @Test
  void a_set_bit_is_not_set_again_and_nothing_changes() {
    Bitmap bitmap = Bitmap.ofBits(1000);
    assertThat(bitmap.set(100, 50)).isEqualTo(Bitmap.DONE);
    byte[] before = bitmap.segment(0);

    assertThat(bitmap.set(90, 20)).isEqualTo(100);
    assertThat(bitmap.set(149, 500)).isEqualTo(149);
    assertThat(bitmap.clear(140, 300)).isEqualTo(150);
    assertThat(bitmap.clear(99, 2)).isEqualTo(99);

    assertThat(bitmap.segment(0)).isEqualTo(before);
  }

  @Test
  void a_segment_is_worked_on_alone_in_the_array_it_is_stored_in() {
    byte[] row = new byte[Bitmap.SEGMENT_BYTES];

    assertThat(Bitmap.over(row).set(4000, 96)).isEqualTo(Bitmap.DONE);
    assertThat(Bitmap.over(row).set(0, 4096)).isEqualTo(4000);
    assertThat(row[511]).isEqualTo((byte) 0xFF);
    assertThat(Bitmap.over(row).clear(4000, 96)).isEqualTo(Bitmap.DONE);
    assertThat(row).containsOnly(0);
    assertThatIllegalArgumentException().isThrownBy(() -> Bitmap.over(new byte[511]));
  }

  @Test
  void a_segment_with_bits_beyond_the_end_is_refused() {
    Bitmap bitmap = Bitmap.ofBits(4096 + 100);
    byte[] segment = new byte[512];
    assertThat(Bitmap.over(segment).set(50, 50)).isEqualTo(Bitmap.DONE);
    bitmap.setSegment(1, segment);
    assertThat(Bitmap.over(segment).set(100, 1)).isEqualTo(Bitmap.DONE);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> bitmap.setSegment(1, segment))
        .withMessage("segment 1 of a bitmap of 4196 has bit 100 set");
    assertThat(bitmap.count()).isEqualTo(50);
    assertThat(bitmap.nextSet(0, 4196)).isEqualTo(4146);
    assertThatThrownBy(() -> bitmap.setSegment(2, segment))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void a_grown_bitmap_has_the_old_bits_and_clear_ones_behind_them() {
    Bitmap bitmap = Bitmap.ofBits(70);
    assertThat(bitmap.set(0, 70)).isEqualTo(Bitmap.DONE);

    Bitmap grown = bitmap.grownTo(Bitmap.BITS_MAX);

    assertThat(grown.count()).isEqualTo(70);
    assertThat(grown.nextClear(0, grown.length())).isEqualTo(70);
    assertThat(grown.longestClearRun()).isEqualTo(Bitmap.BITS_MAX - 70);
    assertThatIllegalArgumentException().isThrownBy(() -> grown.grownTo(70));
    assertThatIllegalArgumentException().isThrownBy(() -> grown.grownTo(Bitmap.BITS_MAX + 1));
  }

  @Test
  void what_is_outside_is_refused() {
    Bitmap bitmap = Bitmap.ofBits(100);

    assertThatThrownBy(() -> bitmap.set(99, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bitmap.clear(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bitmap.set(5, Integer.MAX_VALUE))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bitmap.isSet(100)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> bitmap.nextSet(3, 101)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatIllegalArgumentException().isThrownBy(() -> bitmap.set(5, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> Bitmap.ofBits(0));
    assertThatIllegalArgumentException().isThrownBy(() -> Bitmap.ofBits(Bitmap.BITS_MAX + 1));
  }

  /** Every operation, with bounds at and beside the seams of words, against java.util's bits. */
  @Property(tries = 300)
  void it_does_what_a_plain_set_of_bits_does(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int length = 1 + random.nextInt(random.nextBoolean() ? 300 : Bitmap.BITS_MAX);
    Bitmap bitmap = Bitmap.ofBits(length);
    BitSet model = new BitSet();
    for (int step = 0; step < 1000; step++) {
      int from = random.nextInt(length);
      if (random.nextInt(4) == 0) {
        from &= -64;
      }
      int count = 1 + random.nextInt(Math.min(length - from, random.nextBoolean() ? 130 : length));
      int to = from + count;
      switch (random.nextInt(6)) {
        case 0, 1 -> {
          int set = model.nextSetBit(from);
          boolean refused = set >= 0 && set < to;
          assertThat(bitmap.set(from, count)).isEqualTo(refused ? set : Bitmap.DONE);
          model.set(from, refused ? from : to);
        }
        case 2 -> {
          int clear = model.nextClearBit(from);
          boolean refused = clear < to;
          assertThat(bitmap.clear(from, count)).isEqualTo(refused ? clear : Bitmap.DONE);
          model.clear(from, refused ? from : to);
        }
        case 3 -> {
          int set = model.nextSetBit(from);
          assertThat(bitmap.nextSet(from, to)).isEqualTo(set < 0 ? to : Math.min(set, to));
          assertThat(bitmap.nextClear(from, to)).isEqualTo(Math.min(to, model.nextClearBit(from)));
        }
        case 4 -> {
          assertThat(bitmap.clearRunBegin(from)).isEqualTo(model.previousSetBit(from - 1) + 1);
          assertThat(bitmap.count(from, to)).isEqualTo(model.get(from, to).cardinality());
          assertThat(bitmap.isSet(from)).isEqualTo(model.get(from));
        }
        default -> {
          int clear = model.nextClearBit(from);
          if (clear < length) {
            int end = model.nextSetBit(clear);
            int run = Math.min(count, (end < 0 ? length : end) - clear);
            assertThat(bitmap.set(clear, run)).isEqualTo(Bitmap.DONE);
            model.set(clear, clear + run);
          }
        }
      }
    }
    assertThat(bitmap.count()).isEqualTo(model.cardinality());
    assertThat(bitmap.longestClearRun()).isEqualTo(longestClearRun(model, length));
    assertThat(copyBySegments(bitmap)).isEqualTo(bitmap);
    byte[] stored = new byte[bitmap.segments() * Bitmap.SEGMENT_BYTES];
    for (int i = 0; i < bitmap.segments(); i++) {
      System.arraycopy(bitmap.segment(i), 0, stored, i * 512, 512);
    }
    byte[] expected = Arrays.copyOf(model.toByteArray(), stored.length);
    assertThat(stored).isEqualTo(expected);
  }

  private static int longestClearRun(BitSet model, int length) {
    int longest = 0;
    int run = 0;
    for (int bit = 0; bit < length; bit++) {
      run = model.get(bit) ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  private static Bitmap copyBySegments(Bitmap bitmap) {
    Bitmap copy = Bitmap.ofBits(bitmap.length());
    for (int i = 0; i < bitmap.segments(); i++) {
      copy.setSegment(i, bitmap.segment(i));
    }
    return copy;
  }
}
