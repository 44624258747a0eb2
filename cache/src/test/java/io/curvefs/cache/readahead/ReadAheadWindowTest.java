package io.curvefs.cache.readahead;

import static io.curvefs.cache.readahead.ReadAheadWindow.BYTES_MAX_DEFAULT;
import static io.curvefs.cache.readahead.ReadAheadWindow.BYTES_MIN;
import static io.curvefs.cache.readahead.ReadAheadWindow.NEAR_BYTES;
import static io.curvefs.cache.readahead.ReadAheadWindow.RUN_BYTES_MIN;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ReadAheadWindowTest {
  private static final long KERNEL_READ = 128 << 10;
  private static final long GIB = 1L << 30;

  private final ReadAheadWindow window = new ReadAheadWindow(BYTES_MAX_DEFAULT);

  @Test
  void the_first_read_asks_for_nothing_but_counts_as_sequential_at_the_start_of_a_file() {
    assertThat(window.sequential()).isFalse();
    assertThat(window.onRead(0, KERNEL_READ, GIB)).isEmpty();
    assertThat(window.sequential()).isTrue();
  }

  @Test
  void a_look_at_a_header_or_at_a_record_across_two_pages_is_not_a_run() {
    assertThat(window.onRead(0, 4096, GIB)).isEmpty();
    assertThat(window.onRead(4096, 4096, GIB)).isEmpty();
    assertThat(window.sequential()).isFalse();
  }

  @Test
  void the_second_read_in_a_row_asks_for_the_smallest_window() {
    window.onRead(0, KERNEL_READ, GIB);
    assertThat(window.onRead(KERNEL_READ, KERNEL_READ, GIB))
        .contains(new FileRange(2 * KERNEL_READ, BYTES_MIN));
  }

  @Test
  void a_small_file_is_never_exceeded() {
    window.onRead(0, KERNEL_READ, 300_000);
    assertThat(window.onRead(KERNEL_READ, KERNEL_READ, 300_000))
        .contains(new FileRange(2 * KERNEL_READ, 300_000 - 2 * KERNEL_READ));
    assertThat(window.onRead(2 * KERNEL_READ, KERNEL_READ, 300_000)).isEmpty();
    assertThat(window.onRead(300_000, KERNEL_READ, 300_000)).isEmpty();
  }

  @Test
  void a_read_elsewhere_ends_the_run() {
    window.onRead(0, KERNEL_READ, GIB);
    window.onRead(KERNEL_READ, KERNEL_READ, GIB);
    assertThat(window.onRead(GIB / 2, KERNEL_READ, GIB)).isEmpty();
    assertThat(window.sequential()).isFalse();
    window.onRead(GIB / 2 + KERNEL_READ, KERNEL_READ, GIB);
    assertThat(window.sequential()).isTrue();
    assertThat(window.onRead(GIB / 2 + 2 * KERNEL_READ, KERNEL_READ, GIB))
        .contains(new FileRange(GIB / 2 + 3 * KERNEL_READ, BYTES_MIN));
  }

  @Test
  void reading_the_same_place_again_and_again_asks_for_nothing() {
    for (int i = 0; i < 100; i++) {
      assertThat(window.onRead(0, 4096, GIB)).isEmpty();
    }
  }

  @Test
  void zero_turns_read_ahead_off_but_not_the_detection() {
    ReadAheadWindow off = new ReadAheadWindow(0);
    for (long offset = 0; offset < 10 * KERNEL_READ; offset += KERNEL_READ) {
      assertThat(off.onRead(offset, KERNEL_READ, GIB)).isEmpty();
    }
    assertThat(off.sequential()).isTrue();
  }

  @Test
  void the_largest_file_does_not_overflow() {
    long end = Long.MAX_VALUE;
    window.onRead(end - 4 * KERNEL_READ, KERNEL_READ, end);
    window.onRead(end - 3 * KERNEL_READ, KERNEL_READ, end);
    assertThat(window.onRead(end - 2 * KERNEL_READ, KERNEL_READ, end))
        .contains(new FileRange(end - KERNEL_READ, KERNEL_READ));
    assertThat(window.onRead(end - 1, Long.MAX_VALUE, end)).isEmpty();
  }

  @Property
  void a_sequential_reader_is_fetched_everything_once_and_never_too_far_ahead(
      @ForAll @LongRange(min = 1, max = 200L << 20) long fileLength,
      @ForAll @IntRange(min = 4096, max = 1 << 20) int readLength) {
    ReadAheadWindow window = new ReadAheadWindow(BYTES_MAX_DEFAULT); // one per try
    long fetched = -1;
    long largest = 0;
    for (long offset = 0; offset < fileLength; offset += readLength) {
      long end = Math.min(fileLength, offset + readLength);
      Optional<FileRange> next = window.onRead(offset, readLength, fileLength);
      if (next.isPresent()) {
        assertThat(next.get().offset()).isEqualTo(Math.max(fetched, end));
        fetched = next.get().end();
        largest = Math.max(largest, fetched - end);
      } else if (end > RUN_BYTES_MIN && fetched > 0) {
        assertThat(fetched).as("fetched when reading to %d", end).isGreaterThanOrEqualTo(end);
      }
      assertThat(window.sequential()).isEqualTo(end >= RUN_BYTES_MIN);
    }
    assertThat(largest).isLessThanOrEqualTo(BYTES_MAX_DEFAULT);
    if (fileLength > 100L << 20) {
      assertThat(largest).isEqualTo(BYTES_MAX_DEFAULT);
    }
  }

  @Property(tries = 200)
  void reads_that_arrive_slightly_out_of_order_are_still_sequential(@ForAll Random random) {
    ReadAheadWindow window = new ReadAheadWindow(BYTES_MAX_DEFAULT); // one per try
    int together = (int) (NEAR_BYTES / KERNEL_READ);
    List<Long> offsets = new ArrayList<>();
    for (long group = 0; group < 32L << 20; group += together * KERNEL_READ) {
      List<Long> pieces = new ArrayList<>();
      for (int i = 0; i < together; i++) {
        pieces.add(group + i * KERNEL_READ);
      }
      Collections.shuffle(pieces, random);
      offsets.addAll(pieces);
    }
    long fetched = 0;
    for (long offset : offsets) {
      Optional<FileRange> next = window.onRead(offset, KERNEL_READ, GIB);
      assertThat(window.sequential()).isTrue();
      fetched += next.map(FileRange::length).orElse(0L);
    }
    assertThat(fetched).isGreaterThan(32L << 20);
  }

  @Property
  void random_readers_are_asked_for_nothing(
      @ForAll @Size(min = 1, max = 100) List<@LongRange(max = GIB) Long> offsets) {
    ReadAheadWindow window = new ReadAheadWindow(BYTES_MAX_DEFAULT); // one per try
    long previousEnd = 0;
    for (long offset : offsets) {
      if (Math.abs(offset - previousEnd) > NEAR_BYTES && offset < GIB) {
        assertThat(window.onRead(offset, 4096, GIB)).isEmpty();
        assertThat(window.sequential()).isFalse();
        previousEnd = Math.min(GIB, offset + 4096);
      }
    }
  }

  @Test
  void chance_neighbours_among_a_million_random_reads_cost_next_to_nothing() {
    Random random = new Random(42);
    long asked = 0;
    for (int i = 0; i < 1_000_000; i++) {
      long offset = random.nextLong(100 * GIB);
      asked += window.onRead(offset, 4096, 100 * GIB).map(FileRange::length).orElse(0L);
    }
    assertThat(asked).isLessThan(10 * BYTES_MIN);
  }

  @Property
  void whatever_is_read_nothing_behind_the_end_is_asked_for_and_nothing_already_read(
      @ForAll @Size(max = 200) List<@LongRange(max = 4L << 20) Long> offsets,
      @ForAll @LongRange(min = 1, max = 4L << 20) long fileLength,
      @ForAll @LongRange(max = 64L << 20) long bytesMax) {
    ReadAheadWindow any = new ReadAheadWindow(bytesMax);
    for (long offset : offsets) {
      any.onRead(offset, 100_000, fileLength)
          .ifPresent(
              next -> {
                assertThat(next.offset()).isGreaterThan(offset);
                assertThat(next.end()).isLessThanOrEqualTo(fileLength);
                assertThat(next.length()).isLessThanOrEqualTo(bytesMax);
              });
    }
  }
}
