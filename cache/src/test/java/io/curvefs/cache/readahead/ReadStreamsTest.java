package io.curvefs.cache.readahead;

import static io.curvefs.cache.readahead.ReadAheadWindow.BYTES_MIN;
import static io.curvefs.cache.readahead.ReadAheadWindow.NEAR_BYTES;
import static io.curvefs.cache.readahead.ReadAheadWindow.RUN_BYTES_MIN;
import static io.curvefs.cache.readahead.ReadStreams.BYTES_MAX_DEFAULT;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ReadStreamsTest {
  private static final long KERNEL_READ = 128 << 10;
  private static final long GIB = 1L << 30;

  private final Reader window = new Reader(BYTES_MAX_DEFAULT);

  /** Notes the advice of the last read. */
  private static final class Reader {
    private final ReadStreams streams;
    private boolean sequential;

    Reader(long bytesMax) {
      this.streams = new ReadStreams(bytesMax);
    }

    Optional<FileRange> onRead(long offset, long length, long fileLength) {
      ReadStreams.Advice advice = streams.onRead(offset, length, fileLength);
      if (length > 0 && offset < fileLength) {
        sequential = advice.sequential();
      }
      return advice.ahead();
    }

    boolean sequential() {
      return sequential;
    }
  }

  @Test
  void the_first_read_asks_for_nothing_but_counts_as_sequential_at_the_start_of_a_file() {
    assertThat(window.sequential()).isFalse();
    assertThat(window.onRead(0, KERNEL_READ, GIB)).isEmpty();
    assertThat(window.sequential()).isTrue();
  }

  @Test
  void a_run_goes_on_for_sure_once_it_is_longer_than_a_record() {
    ReadStreams streams = new ReadStreams(BYTES_MAX_DEFAULT);
    for (long at = 0; at < 2 << 20; at += KERNEL_READ) {
      assertThat(streams.onRead(at, KERNEL_READ, GIB).goesOn())
          .isEqualTo(at + KERNEL_READ >= ReadAheadWindow.LONG_BYTES_MIN);
    }
    assertThat(streams.onRead(100 << 20, KERNEL_READ, GIB).goesOn()).isFalse();
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
    Reader off = new Reader(0);
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
    Reader window = new Reader(BYTES_MAX_DEFAULT); // one per try
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
    Reader window = new Reader(BYTES_MAX_DEFAULT); // one per try
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
    for (int i = 0; i < offsets.size(); i++) {
      Optional<FileRange> next = window.onRead(offsets.get(i), KERNEL_READ, GIB);
      assertThat(i < together || window.sequential()).as("read %d", i).isTrue();
      fetched += next.map(FileRange::length).orElse(0L);
    }
    assertThat(fetched).isGreaterThan(32L << 20);
  }

  @Property
  void random_readers_are_asked_for_nothing(
      @ForAll @Size(min = 1, max = 100) List<@LongRange(max = GIB) Long> offsets) {
    Reader window = new Reader(BYTES_MAX_DEFAULT); // one per try
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
    Reader any = new Reader(bytesMax);
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

  // ---- traces: what a whole way of reading asks for ----

  /** Reads by the kernel's pieces, and adds up what is asked for ahead. */
  private long asked(Iterable<Long> offsets, long length) {
    long asked = 0;
    for (long offset : offsets) {
      asked += window.onRead(offset, length, GIB).map(FileRange::length).orElse(0L);
    }
    return asked;
  }

  private static List<Long> from(long offset, long stride, int count) {
    return LongStream.range(0, count).mapToObj(i -> offset + i * stride).toList();
  }

  @Test
  void a_reader_that_stops_early_was_not_run_far_ahead_of() {
    assertThat(asked(from(0, KERNEL_READ, 4), KERNEL_READ)).isEqualTo(BYTES_MIN);
    assertThat(asked(from(4 * KERNEL_READ, KERNEL_READ, 4), KERNEL_READ))
        .isLessThanOrEqualTo(5 << 20);
  }

  @Test
  void eight_threads_that_read_through_one_handle_are_eight_streams() {
    List<Long> fetched = new ArrayList<>(Collections.nCopies(8, 0L));
    for (int i = 0; i < 100; i++) {
      for (int thread = 0; thread < 8; thread++) {
        long offset = thread * (100L << 20) + i * KERNEL_READ;
        Optional<FileRange> next = window.onRead(offset, KERNEL_READ, GIB);
        long before = fetched.get(thread);
        next.ifPresent(range -> assertThat(range.end() - offset).isLessThanOrEqualTo(5 << 20));
        fetched.set(thread, before + next.map(FileRange::length).orElse(0L));
        assertThat(window.sequential()).isEqualTo(i > 0 || thread == 0);
      }
    }
    assertThat(fetched).allSatisfy(bytes -> assertThat(bytes).isGreaterThan(11L << 20));
  }

  @Test
  void streams_stay_among_random_readers() {
    Random random = new Random(7);
    long asked = 0;
    for (int i = 0; i < 200; i++) {
      asked +=
          window.onRead(i * KERNEL_READ, KERNEL_READ, 100 * GIB).map(FileRange::length).orElse(0L);
      assertThat(window.sequential()).isTrue();
      for (int other = 0; other < 50; other++) {
        window.onRead(GIB + random.nextLong(99 * GIB), 4096, 100 * GIB);
      }
    }
    assertThat(asked).isGreaterThan(200 * KERNEL_READ);
  }

  @Test
  void new_streams_take_the_places_of_those_that_ended() {
    for (int stream = 0; stream < 50; stream++) {
      assertThat(asked(from(stream * (10L << 20), KERNEL_READ, 6), KERNEL_READ))
          .as("stream %d", stream)
          .isGreaterThanOrEqualTo(BYTES_MIN);
    }
  }

  @Test
  void a_stream_alone_has_the_whole_window_whatever_was_read_before() {
    for (int stream = 1; stream < 20; stream++) {
      asked(from(stream * (50L << 20), KERNEL_READ, 6), KERNEL_READ);
    }
    long furthest = 0;
    for (long offset : from(0, KERNEL_READ, 400)) {
      Optional<FileRange> next = window.onRead(offset, KERNEL_READ, GIB);
      furthest = Math.max(furthest, next.map(range -> range.end() - offset).orElse(0L));
    }
    assertThat(furthest).isEqualTo(BYTES_MAX_DEFAULT + KERNEL_READ);
  }

  @Test
  void strided_reads_ask_for_nothing() {
    assertThat(asked(from(0, 384 << 10, 500), 4096)).isZero();
    assertThat(window.sequential()).isFalse();
    assertThat(asked(from(GIB / 2, 2 << 20, 200), KERNEL_READ)).isZero();
    assertThat(window.sequential()).isFalse();
  }

  @Test
  void small_gaps_do_not_end_a_run() {
    assertThat(asked(from(0, KERNEL_READ + 4096, 200), KERNEL_READ)).isGreaterThan(25L << 20);
  }

  @Test
  void a_backward_reader_asks_for_nothing() {
    List<Long> backward = new ArrayList<>(from(0, KERNEL_READ, 1000));
    Collections.reverse(backward);
    assertThat(asked(backward, KERNEL_READ)).isZero();
  }

  @Test
  void page_faults_here_and_there_ask_for_nothing() {
    // The kernel reads 128 KiB around the page of a mapped file that is touched.
    Random random = new Random(11);
    for (int i = 0; i < 1000; i++) {
      long page = random.nextLong(GIB / 4096) * 4096;
      long around = Math.max(0, page - KERNEL_READ / 2);
      assertThat(window.onRead(around, KERNEL_READ, GIB)).isEmpty();
    }
  }

  @Test
  void random_reads_within_a_small_file_are_not_a_run() {
    Random random = new Random(3);
    long length = 8 << 20;
    long asked = 0;
    int sequential = 0;
    for (int i = 0; i < 500; i++) {
      long offset = random.nextLong(length / 4096) * 4096;
      asked += window.onRead(offset, 4096, length).map(FileRange::length).orElse(0L);
      sequential += window.sequential() ? 1 : 0;
    }
    assertThat(asked).isZero();
    assertThat(sequential).isZero();
  }

  @Test
  void who_reads_on_from_a_random_place_is_soon_found_sequential() {
    Random random = new Random(5);
    for (int i = 0; i < 100; i++) {
      window.onRead(random.nextLong(16 << 20), 4096, GIB);
    }
    assertThat(asked(from(8 << 20, KERNEL_READ, 24), KERNEL_READ)).isGreaterThan(BYTES_MIN);
    assertThat(window.sequential()).isTrue();
  }
}
