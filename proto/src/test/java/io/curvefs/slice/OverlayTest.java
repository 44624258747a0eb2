package io.curvefs.slice;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.proto.Extent;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class OverlayTest {
  private static final int BYTES = 200;

  /** One write: which slice, where in the chunk, from where in the slice. */
  private static Extent extent(int offset, int length, long slice, int sliceOffset) {
    return Extent.newBuilder()
        .setChunkOffset(offset)
        .setLength(length)
        .setSlice(slice)
        .setSliceOffset(sliceOffset)
        .setSliceLength(sliceOffset + length)
        .build();
  }

  @Provide
  Arbitrary<List<Extent>> writes() {
    return Combinators.combine(
            Arbitraries.integers().between(0, BYTES - 1),
            Arbitraries.integers().between(1, BYTES),
            Arbitraries.longs().between(0, 9),
            Arbitraries.integers().between(0, 50))
        .as(
            (offset, length, slice, sliceOffset) ->
                extent(offset, Math.min(length, BYTES - offset), slice, sliceOffset))
        .list()
        .ofMaxSize(40);
  }

  /** What each byte shows: slice and offset in it, packed; 0 for a hole. */
  private static long[] paint(List<Extent> extents) {
    long[] bytes = new long[BYTES];
    for (Extent extent : extents) {
      for (int i = 0; i < extent.getLength(); i++) {
        bytes[extent.getChunkOffset() + i] =
            extent.getSlice() == 0 ? 0 : extent.getSlice() * 1000 + extent.getSliceOffset() + i;
      }
    }
    return bytes;
  }

  @Property
  void every_range_reads_as_a_plain_array_that_was_painted_over(
      @ForAll("writes") List<Extent> writes,
      @ForAll("offsets") int from,
      @ForAll("offsets") int length) {
    int to = Math.min(BYTES, from + length);
    long[] expected = paint(writes);

    List<Extent> pieces = Overlay.of(writes).pieces(from, to);

    long[] read = paint(pieces);
    int before = from;
    for (Extent piece : pieces) {
      assertThat(piece.getChunkOffset()).isGreaterThanOrEqualTo(before);
      assertThat(piece.getLength()).isPositive();
      before = piece.getChunkOffset() + piece.getLength();
    }
    assertThat(before).isLessThanOrEqualTo(Math.max(from, to));
    for (int i = from; i < to; i++) {
      assertThat(read[i]).as("byte %d", i).isEqualTo(expected[i]);
    }
  }

  @Provide
  Arbitrary<Integer> offsets() {
    return Arbitraries.integers().between(0, BYTES);
  }

  @Property
  void the_flattened_list_reads_the_same_and_counts_what_is_backed(
      @ForAll("writes") List<Extent> writes) {
    Overlay overlay = Overlay.of(writes);
    long backed = 0;
    for (long shown : paint(writes)) {
      backed += shown == 0 ? 0 : 1;
    }

    assertThat(paint(overlay.flattened())).isEqualTo(paint(writes));
    assertThat(overlay.allocated()).isEqualTo(backed);
  }

  @Test
  void a_hole_written_over_a_slice_hides_it() {
    List<Extent> extents = new ArrayList<>(List.of(extent(0, 100, 7, 0)));
    extents.add(extent(40, 20, 0, 0));

    List<Extent> pieces = Overlay.of(extents).pieces(0, 100);

    assertThat(pieces).hasSize(2);
    assertThat(pieces.get(1).getChunkOffset()).isEqualTo(60);
    assertThat(pieces.get(1).getSliceOffset()).isEqualTo(60);
  }
}
