package io.curvefs.client.siblings;

import static io.curvefs.client.siblings.ReadOrder.BYTES_MAX;
import static io.curvefs.client.siblings.ReadOrder.FILES_MAX;
import static io.curvefs.client.siblings.ReadOrder.SMALL_BYTES_MAX;
import static io.curvefs.client.siblings.ReadOrder.STEPS_MIN;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ReadOrderTest {
  private static final long DIRECTORY = 1;
  private static final LongUnaryOperator SMALL = inode -> 10_000;

  private final ReadOrder order = new ReadOrder();

  /** Inodes of a directory's files in the order of their names: not that of their numbers. */
  private static long[] files(int directory, int count) {
    long[] inodes =
        LongStream.rangeClosed(1, count).map(i -> directory * 10_000_000L + i).toArray();
    List<Long> shuffled = new ArrayList<>(Arrays.stream(inodes).boxed().toList());
    Collections.shuffle(shuffled, new Random(directory));
    return shuffled.stream().mapToLong(Long::longValue).toArray();
  }

  /** As a directory is listed: page by page. */
  private void list(long directory, long[] files) {
    for (int first = 0; first < files.length; first += 2048) {
      order.listed(
          directory, first, Arrays.copyOfRange(files, first, Math.min(files.length, first + 2048)));
    }
  }

  private List<Long> readAll(long[] files, LongUnaryOperator lengths) {
    List<Long> fetched = new ArrayList<>();
    for (long file : files) {
      fetched.addAll(order.begun(file, lengths));
    }
    return fetched;
  }

  @Test
  void who_reads_in_the_order_of_the_listing_is_fetched_every_file_once_and_before_its_turn() {
    long[] files = files(1, 5000);
    list(DIRECTORY, files);
    Set<Long> fetched = new HashSet<>();
    int asked = 0;
    for (int i = 0; i < files.length; i++) {
      if (i > STEPS_MIN) {
        assertThat(fetched).as("file %d", i).contains(files[i]);
      }
      List<Long> next = order.begun(files[i], SMALL);
      asked += next.isEmpty() ? 0 : 1;
      for (long inode : next) {
        assertThat(fetched.add(inode)).isTrue();
      }
      assertThat(fetched.size() - i).isLessThanOrEqualTo(FILES_MAX);
    }
    assertThat(asked).isLessThan(files.length / (FILES_MAX / 2) + 8);
  }

  @Test
  void shuffled_reads_are_fetched_nothing() {
    long[] files = files(1, 1000);
    list(DIRECTORY, files);
    for (long seed = 1; seed <= 5; seed++) {
      List<Long> shuffled = new ArrayList<>(Arrays.stream(files).boxed().toList());
      Collections.shuffle(shuffled, new Random(seed));
      long[] epoch = shuffled.stream().mapToLong(Long::longValue).toArray();
      assertThat(readAll(epoch, SMALL)).as("seed %d", seed).isEmpty();
    }
  }

  @Test
  void nothing_more_is_fetched_once_the_order_breaks() {
    long[] files = files(1, 1000);
    list(DIRECTORY, files);
    assertThat(readAll(Arrays.copyOf(files, 50), SMALL)).isNotEmpty();
    assertThat(order.begun(files[500], SMALL)).isEmpty();
    assertThat(order.begun(files[700], SMALL)).isEmpty();
    assertThat(order.begun(files[701], SMALL)).isEmpty();
  }

  @Test
  void backward_reads_are_fetched_nothing() {
    long[] files = files(1, 300);
    list(DIRECTORY, files);
    long[] backward = IntStream.range(0, 300).mapToLong(i -> files[299 - i]).toArray();
    assertThat(readAll(backward, SMALL)).isEmpty();
  }

  @Test
  void every_second_file_is_an_order_too() {
    long[] files = files(1, 400);
    list(DIRECTORY, files);
    long[] pictures = IntStream.range(0, 200).mapToLong(i -> files[2 * i]).toArray();
    assertThat(readAll(pictures, SMALL)).contains(files[100], files[398]);
  }

  @Test
  void readers_of_several_parts_have_a_run_each() {
    long[] files = files(1, 1000);
    list(DIRECTORY, files);
    List<Long> fetched = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      for (int worker = 0; worker < 8; worker++) {
        fetched.addAll(order.begun(files[worker * 125 + i], SMALL));
      }
    }
    for (int worker = 0; worker < 8; worker++) {
      assertThat(fetched).contains(files[worker * 125 + 60]);
    }
  }

  @Test
  void threads_that_overtake_each_other_keep_the_order() {
    long[] files = files(1, 500);
    list(DIRECTORY, files);
    long[] pairs = IntStream.range(0, 500).mapToLong(i -> files[i ^ 1]).toArray();
    assertThat(readAll(pairs, SMALL)).contains(files[450]);
  }

  @Test
  void large_and_empty_files_and_directories_between_are_left_out() {
    long[] files = files(1, 200);
    long large = files[50];
    long empty = files[51];
    long directory = files[52];
    long[] listed = files.clone();
    listed[52] = 0;
    list(DIRECTORY, listed);
    long[] read = IntStream.range(0, 200).filter(i -> i != 52).mapToLong(i -> files[i]).toArray();

    List<Long> fetched =
        readAll(read, inode -> inode == large ? SMALL_BYTES_MAX + 1 : inode == empty ? 0 : 1);

    assertThat(fetched).contains(files[49], files[53]).doesNotContain(large, empty, directory);
  }

  @Test
  void one_request_is_bounded_by_bytes_as_well() {
    long[] files = files(1, 500);
    list(DIRECTORY, files);
    for (long file : files) {
      List<Long> next = order.begun(file, inode -> SMALL_BYTES_MAX);
      assertThat(next.size() * SMALL_BYTES_MAX).isLessThanOrEqualTo(BYTES_MAX);
    }
  }

  @Test
  void a_listing_that_is_read_again_changes_nothing_and_a_changed_one_replaces_it() {
    long[] before = files(1, 5000);
    list(DIRECTORY, before);
    readAll(Arrays.copyOf(before, 20), SMALL);
    order.listed(DIRECTORY, 0, Arrays.copyOf(before, 2048)); // somebody else begins to list
    assertThat(readAll(Arrays.copyOfRange(before, 20, 4000), SMALL)).contains(before[3000]);

    long[] after = files(2, 3000);
    list(DIRECTORY, after);
    assertThat(readAll(before, SMALL)).isEmpty();
    assertThat(readAll(after, SMALL)).contains(after[2500]);
  }

  @Test
  void directories_of_which_only_the_end_is_listed_push_out_none_that_are_known() {
    long[] files = files(1, 100);
    list(DIRECTORY, files);
    for (int other = 100; other < 200; other++) {
      order.listed(other, 50, files(other, 10));
    }
    list(2, files(2, 100));
    assertThat(readAll(files, SMALL)).hasSizeGreaterThan(90);
  }

  @Test
  void only_so_many_names_are_remembered() {
    for (int directory = 1; directory <= 40; directory++) {
      list(directory, files(directory, 100_000));
    }
    assertThat(readAll(Arrays.copyOf(files(1, 100_000), 100), SMALL)).isEmpty();
    assertThat(readAll(Arrays.copyOf(files(40, 100_000), 100), SMALL)).isNotEmpty();
  }
}
