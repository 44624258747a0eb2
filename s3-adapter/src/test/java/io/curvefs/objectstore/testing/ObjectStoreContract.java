package io.curvefs.objectstore.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.curvefs.objectstore.BucketProbe;
import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.ObjectStoreMetrics.Snapshot;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What every {@link ObjectStore} does. Run it against the fake and the real thing alike. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ObjectStoreContract {

  private static final int PAGE = 64 * 1024;
  private static final int BLOCK = 64 * PAGE;

  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);
  private int keys;

  /** A new store over the same empty bucket each time; the caller closes it. */
  protected abstract ObjectStore open();

  /** A key no other test uses. */
  private synchronized String newKey() {
    return "contract/" + getClass().getSimpleName() + "/" + ++keys;
  }

  private byte[] content(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static List<ByteBuffer> pages(byte[] content) {
    List<ByteBuffer> pages = new ArrayList<>();
    for (int at = 0; at < content.length; at += PAGE) {
      int length = Math.min(PAGE, content.length - at);
      pages.add(ByteBuffer.allocateDirect(length).put(content, at, length).flip());
    }
    return pages;
  }

  private static byte[] read(
      ObjectStore store, String key, int objectLength, int offset, int length)
      throws ObjectStoreException {
    List<ByteBuffer> into = pages(new byte[length]);
    store.get(key, objectLength, offset, length, into);
    ByteBuffer all = ByteBuffer.allocate(length);
    into.forEach(all::put);
    return all.array();
  }

  private static Kind kindOf(Throwable failure) {
    return ((ObjectStoreException) failure).kind();
  }

  @Test
  void a_block_of_many_direct_buffers_reads_back_as_written() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      byte[] content = content(BLOCK);
      store.put(key, pages(content)).get();
      assertThat(read(store, key, BLOCK, 0, BLOCK)).isEqualTo(content);
    }
  }

  @Test
  void only_the_bytes_between_position_and_limit_count_and_neither_moves() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      byte[] content = content(1000);
      ByteBuffer first = ByteBuffer.wrap(content).position(100).limit(300);
      ByteBuffer second = ByteBuffer.allocateDirect(1000).put(content).position(300).limit(350);
      store.putAndWait(key, List.of(first, second));
      assertThat(List.of(first.position(), first.limit(), second.position(), second.limit()))
          .containsExactly(100, 300, 300, 350);

      ByteBuffer into = ByteBuffer.allocateDirect(400).position(50).limit(300);
      store.get(key, 250, 0, 250, List.of(into));
      assertThat(List.of(into.position(), into.limit())).containsExactly(50, 300);
      assertThat(into).isEqualTo(ByteBuffer.wrap(content, 100, 250));
      assertThat(into.get(49)).isZero();
    }
  }

  @Test
  void any_part_of_an_object_can_be_read() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      byte[] content = content(3 * PAGE + 17);
      store.putAndWait(key, pages(content));
      for (int i = 0; i < 20; i++) {
        int offset = random.nextInt(content.length);
        int length = 1 + random.nextInt(content.length - offset);
        assertThat(ByteBuffer.wrap(read(store, key, content.length, offset, length)))
            .as("seed %d, %d+%d", seed, offset, length)
            .isEqualTo(ByteBuffer.wrap(content, offset, length));
      }
    }
  }

  @Test
  void reading_a_missing_object_says_not_found() {
    try (ObjectStore store = open()) {
      String key = newKey();
      assertThatThrownBy(() -> read(store, key, 10, 0, 10))
          .isInstanceOf(ObjectStoreException.class)
          .hasMessageContaining(key)
          .extracting(ObjectStoreContract::kindOf)
          .isEqualTo(Kind.NOT_FOUND);
      assertThat(store.metrics().snapshot().errors()).isEqualTo(1);
    }
  }

  @Test
  void an_object_of_another_length_is_corrupt() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      store.putAndWait(key, pages(content(100)));
      for (int wrong : new int[] {50, 99, 101, 200}) {
        assertThatThrownBy(() -> read(store, key, wrong, 0, wrong))
            .as("whole, %d", wrong)
            .isInstanceOf(ObjectStoreException.class)
            .extracting(ObjectStoreContract::kindOf)
            .isEqualTo(Kind.CORRUPT);
        assertThatThrownBy(() -> read(store, key, wrong, 10, 20))
            .as("part, %d", wrong)
            .isInstanceOf(ObjectStoreException.class)
            .extracting(ObjectStoreContract::kindOf)
            .isEqualTo(Kind.CORRUPT);
      }
    }
  }

  @Test
  void a_range_outside_the_object_or_buffers_that_do_not_fit_are_refused_at_once() {
    try (ObjectStore store = open()) {
      List<ByteBuffer> ten = List.of(ByteBuffer.allocate(10));
      assertThatThrownBy(() -> store.get("k", 10, 1, 10, ten))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> store.get("k", 20, 0, 20, ten))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> store.list("", null, 0))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> store.list("", null, 1001))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(store.metrics().snapshot()).isEqualTo(new Snapshot(0, 0, 0, 0, 0, 0, 0, 0, 0));
    }
  }

  @Test
  void a_put_may_be_repeated() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      byte[] content = content(5000);
      store.putAndWait(key, pages(content));
      store.putAndWait(key, pages(content));
      assertThat(read(store, key, 5000, 0, 5000)).isEqualTo(content);
    }
  }

  @Test
  void an_empty_object_is_an_object() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      store.putAndWait(key, List.of());
      assertThat(store.list(key, null, 10).objects())
          .singleElement()
          .extracting(ListPage.Item::bytes)
          .isEqualTo(0L);
    }
  }

  @Test
  void keys_may_hold_any_character() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey() + "/we ird+%25é=&?x";
      store.putAndWait(key, pages(new byte[] {7}));
      assertThat(read(store, key, 1, 0, 1)).containsExactly(7);
      assertThat(store.list(key, null, 10).objects())
          .extracting(ListPage.Item::key)
          .containsExactly(key);
      store.delete(List.of(key, key + "2"));
      assertThat(store.list(key, null, 10).objects()).isEmpty();
    }
  }

  @Test
  void deleting_takes_what_is_there_and_does_not_mind_what_is_not() throws Exception {
    try (ObjectStore store = open()) {
      String prefix = newKey() + "/";
      List<String> doomed =
          IntStream.range(0, 2500).mapToObj(i -> prefix + "x%04d".formatted(i)).toList();
      for (int there : new int[] {0, 999, 1000, 2499}) {
        store.putAndWait(doomed.get(there), pages(content(10)));
      }
      store.putAndWait(prefix + "kept", pages(content(10)));
      long before = store.metrics().snapshot().deletes();
      store.delete(doomed);
      assertThat(store.metrics().snapshot().deletes() - before).isEqualTo(3);
      assertThat(store.list(prefix, null, 10).objects())
          .extracting(ListPage.Item::key)
          .containsExactly(prefix + "kept");
      store.delete(doomed.subList(0, 1));
      store.delete(List.of());
      assertThat(store.metrics().snapshot().deletes() - before).isEqualTo(4);
    }
  }

  @Test
  void a_listing_goes_page_by_page_in_the_order_of_keys() throws Exception {
    try (ObjectStore store = open()) {
      String prefix = newKey() + "/";
      List<String> written = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        written.add(prefix + "d" + i % 3 + "/o" + i);
        store.putAndWait(written.get(i), pages(content(i + 1)));
      }
      List<String> found = new ArrayList<>();
      int pages = 0;
      String after = null;
      do {
        ListPage page = store.list(prefix, after, 3);
        page.objects().forEach(item -> found.add(item.key()));
        after = page.next();
        pages++;
      } while (after != null);
      assertThat(found).isSorted().containsExactlyInAnyOrderElementsOf(written);
      assertThat(pages).isEqualTo(3);
    }
  }

  @Test
  void a_listing_tells_length_and_age_and_stays_within_its_prefix() throws Exception {
    try (ObjectStore store = open()) {
      String prefix = newKey() + "/";
      store.putAndWait(prefix + "a/1", pages(content(11)));
      store.putAndWait(prefix + "ab", pages(content(12)));
      store.putAndWait(prefix + "b", pages(content(13)));
      assertThat(store.list(prefix + "a", null, 1000).objects())
          .extracting(ListPage.Item::key, ListPage.Item::bytes)
          .containsExactly(tuple(prefix + "a/1", 11L), tuple(prefix + "ab", 12L));
      assertThat(store.list(prefix + "b", null, 1).objects().get(0).modified())
          .isCloseTo(Instant.now(), within(Duration.ofMinutes(5)));
      assertThat(store.list(prefix + "zzz", null, 1)).isEqualTo(new ListPage(List.of(), false));
    }
  }

  @Test
  void requests_and_bytes_are_counted_one_by_one() throws Exception {
    try (ObjectStore store = open()) {
      String key = newKey();
      store.putAndWait(key, pages(content(BLOCK)));
      read(store, key, BLOCK, 0, BLOCK);
      read(store, key, BLOCK, PAGE, PAGE);
      store.list(key, null, 1000);
      store.delete(List.of(key));
      assertThat(store.metrics().snapshot())
          .isEqualTo(new Snapshot(1, 2, 1, 1, 0, 0, 0, BLOCK, BLOCK + PAGE));
    }
  }

  @Test
  void many_puts_at_once_all_arrive() throws Exception {
    try (ObjectStore store = open()) {
      String prefix = newKey() + "/";
      List<byte[]> contents = IntStream.range(0, 100).mapToObj(i -> content(PAGE + i)).toList();
      List<CompletableFuture<Void>> puts =
          IntStream.range(0, 100)
              .mapToObj(i -> store.put(prefix + i, pages(contents.get(i))))
              .toList();
      CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).get();
      List<byte[]> found =
          IntStream.range(0, 100)
              .parallel()
              .mapToObj(i -> readQuietly(store, prefix + i, PAGE + i))
              .toList();
      for (int i = 0; i < 100; i++) {
        assertThat(found.get(i)).isEqualTo(contents.get(i));
      }
    }
  }

  private static byte[] readQuietly(ObjectStore store, String key, int length) {
    try {
      return read(store, key, length, 0, length);
    } catch (ObjectStoreException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_probe_of_a_good_bucket_passes_and_leaves_nothing_behind() throws Exception {
    try (ObjectStore store = open()) {
      String prefix = newKey() + "/";
      BucketProbe.check(store, prefix);
      assertThat(store.list(prefix, null, 1).objects()).isEmpty();
    }
  }

  @Test
  void a_closed_store_refuses_everything_and_may_be_closed_again() {
    ObjectStore store = open();
    store.close();
    store.close();
    assertThatThrownBy(() -> store.put("k", pages(new byte[1])).get())
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(ObjectStoreException.class);
    assertThatThrownBy(() -> store.putAndWait("k", pages(new byte[1])))
        .isInstanceOf(ObjectStoreException.class)
        .extracting(ObjectStoreContract::kindOf)
        .isEqualTo(Kind.REJECTED);
    assertThatThrownBy(() -> read(store, "k", 1, 0, 1))
        .isInstanceOf(ObjectStoreException.class)
        .extracting(ObjectStoreContract::kindOf)
        .isEqualTo(Kind.REJECTED);
    assertThatThrownBy(() -> store.delete(List.of("k"))).isInstanceOf(ObjectStoreException.class);
    assertThatThrownBy(() -> store.list("", null, 1)).isInstanceOf(ObjectStoreException.class);
  }
}
