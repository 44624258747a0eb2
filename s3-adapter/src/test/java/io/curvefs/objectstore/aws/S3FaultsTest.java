package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.ObjectStoreMetrics.Snapshot;
import io.curvefs.objectstore.ObjectStoreMetrics.Verb;
import io.curvefs.objectstore.S3Location;
import io.curvefs.objectstore.embedded.EmbeddedS3Options;
import io.curvefs.objectstore.embedded.EmbeddedS3Server;
import io.curvefs.objectstore.testing.HttpFaultProxy;
import io.curvefs.objectstore.testing.HttpFaultProxy.Fault;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What happens when the network or the store misbehaves. Each test proves by a counter that its
 * fault happened.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class S3FaultsTest {

  private static final int BLOCK = 4 << 20;
  private static final Duration SHORT_STALL = Duration.ofMillis(300);
  private static final Duration BOUND = Duration.ofMillis(1200);
  private static final Duration SLACK = Duration.ofSeconds(2);

  private final byte[] content = new byte[BLOCK];
  private EmbeddedS3Server server;
  private HttpFaultProxy proxy;
  private S3ObjectStore store;

  @BeforeAll
  void startServer(@TempDir Path directory) throws Exception {
    server = EmbeddedS3Server.start(EmbeddedS3Options.in(directory, "bucket"));
    new Random(1).nextBytes(content);
  }

  @AfterAll
  void stopServer() {
    server.close();
  }

  @BeforeEach
  void open() throws Exception {
    proxy = new HttpFaultProxy(server.endpoint());
    store = openWithin(Duration.ofSeconds(20));
  }

  @AfterEach
  void close() throws Exception {
    store.close();
    proxy.close();
  }

  private S3ObjectStore openWithin(Duration bound) {
    return openWithin(bound, bound);
  }

  private S3ObjectStore openWithin(Duration bound, Duration stall) {
    S3Location direct = server.location("bucket");
    S3Location damaged =
        new S3Location("bucket", proxy.endpoint(), direct.region(), direct.credentials());
    return S3ObjectStore.open(
        damaged, S3Limits.DEFAULTS.withTotalBound(bound).withStallTimeout(stall));
  }

  private static boolean hangs(Fault fault) {
    return fault == Fault.HANG || fault == Fault.HANG_MID_BODY;
  }

  /** Only what hangs needs a short stall; a busy machine must not look like it. */
  private void expect(Fault fault) {
    if (hangs(fault)) {
      store.close();
      store = openWithin(Duration.ofSeconds(20), SHORT_STALL);
    }
  }

  private List<ByteBuffer> pages() {
    List<ByteBuffer> pages = new ArrayList<>();
    for (int at = 0; at < BLOCK; at += 65536) {
      pages.add(ByteBuffer.allocateDirect(65536).put(content, at, 65536).flip());
    }
    return pages;
  }

  private byte[] read(S3ObjectStore from, int offset, int length) throws ObjectStoreException {
    ByteBuffer into = ByteBuffer.allocateDirect(length);
    from.get("block", BLOCK, offset, length, List.of(into));
    byte[] bytes = new byte[length];
    into.get(bytes);
    return bytes;
  }

  private static Kind kindOf(Throwable failure) {
    return ((ObjectStoreException) failure).kind();
  }

  /** With a short stall a busy machine may need another attempt. */
  private void requireThreeAttempts(Fault fault, long attempts) {
    Snapshot counted = store.metrics().snapshot();
    assertThat(attempts).isBetween(3L, hangs(fault) ? 6L : 3L);
    assertThat(counted.retries()).isEqualTo(attempts - 1);
    assertThat(counted.errors()).isZero();
  }

  @Test
  void a_block_of_4_mib_is_one_put_and_one_get() throws Exception {
    store.put("block", pages()).get();
    assertThat(read(store, 0, BLOCK)).isEqualTo(content);
    assertThat(proxy.forwarded()).isEqualTo(2);
    assertThat(store.metrics().snapshot())
        .isEqualTo(new Snapshot(1, 1, 0, 0, 0, 0, 0, BLOCK, BLOCK));
    for (Verb verb : List.of(Verb.PUT, Verb.GET)) {
      assertThat(store.metrics().attemptsEnded(verb)).isEqualTo(1);
      assertThat(store.metrics().nanos(verb)).isPositive();
    }
    assertThat(store.metrics().attemptsEnded(Verb.DELETE)).isZero();
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {
        "ERROR_500",
        "SLOW_DOWN_503",
        "HANG",
        "HANG_MID_BODY",
        "RESET_MID_BODY",
        "LOSE_REPLY"
      })
  void a_put_that_meets_a_fault_twice_succeeds_the_third_time(Fault fault) throws Exception {
    expect(fault);
    proxy.inject(fault, 2);
    store.put("block", pages()).get();
    assertThat(proxy.fired(fault)).isEqualTo(2);
    requireThreeAttempts(fault, store.metrics().snapshot().puts());
    assertThat(read(store, 0, BLOCK)).isEqualTo(content);
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"NOT_IMPLEMENTED_501", "MISSING_MD5_400"})
  void a_whole_get_that_meets_a_fault_twice_returns_good_bytes_the_third_time(Fault fault)
      throws Exception {
    store.putAndWait("block", pages());
    expect(fault);
    proxy.inject(fault, 2);
    assertThat(read(store, 0, BLOCK)).isEqualTo(content);
    assertThat(proxy.fired(fault)).isEqualTo(2);
    requireThreeAttempts(fault, store.metrics().snapshot().gets());
    assertThat(store.metrics().attemptsEnded(Verb.GET))
        .isEqualTo(store.metrics().snapshot().gets());
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"SLOW_DOWN_503", "HANG_MID_BODY", "RESET_MID_BODY", "TRUNCATE_BODY", "SHORTEN_BODY"})
  void a_part_that_meets_a_fault_twice_is_good_the_third_time(Fault fault) throws Exception {
    store.putAndWait("block", pages());
    expect(fault);
    proxy.inject(fault, 2);
    assertThat(ByteBuffer.wrap(read(store, 70_000, 300_000)))
        .isEqualTo(ByteBuffer.wrap(content, 70_000, 300_000));
    assertThat(proxy.fired(fault)).isEqualTo(2);
    requireThreeAttempts(fault, store.metrics().snapshot().gets());
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"TRUNCATE_BODY", "SHORTEN_BODY", "FLIP_A_BIT"})
  void a_body_that_is_always_damaged_is_given_up_as_corrupt(Fault fault) throws Exception {
    store.putAndWait("block", pages());
    proxy.inject(fault, HttpFaultProxy.ALWAYS);
    try (S3ObjectStore hurried = openWithin(BOUND)) {
      assertThatThrownBy(() -> read(hurried, 0, BLOCK))
          .isInstanceOf(ObjectStoreException.class)
          .hasMessageContaining("reading 'block' from bucket 'bucket'")
          .extracting(S3FaultsTest::kindOf)
          .isEqualTo(Kind.CORRUPT);
    }
    assertThat(proxy.fired(fault)).isGreaterThanOrEqualTo(3);
  }

  @Test
  void bytes_that_were_damaged_on_the_way_up_are_found_corrupt_on_the_way_down() throws Exception {
    proxy.inject(Fault.FLIP_A_BIT, 1);
    store.putAndWait("block", pages());
    assertThat(proxy.fired(Fault.FLIP_A_BIT)).isEqualTo(1);
    assertThatThrownBy(() -> read(store, 0, BLOCK))
        .hasMessageContaining("CRC32C")
        .extracting(S3FaultsTest::kindOf)
        .isEqualTo(Kind.CORRUPT);
    assertThat(store.metrics().snapshot().gets()).isEqualTo(4);
  }

  @Test
  void a_put_whose_reply_is_lost_has_arrived_and_is_repeated_without_harm() throws Exception {
    proxy.inject(Fault.LOSE_REPLY, 1);
    store.put("block", pages()).get();
    assertThat(proxy.forwarded()).isEqualTo(2);
    assertThat(read(store, 0, BLOCK)).isEqualTo(content);
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"ERROR_500", "SLOW_DOWN_503", "HANG", "RESET_MID_BODY"})
  void an_outage_ends_every_call_within_the_bound(Fault fault) throws Exception {
    store.putAndWait("block", pages());
    proxy.inject(fault, HttpFaultProxy.ALWAYS);
    Kind kind = fault == Fault.RESET_MID_BODY ? Kind.UNREACHABLE : Kind.OVERLOADED;
    try (S3ObjectStore hurried = openWithin(BOUND, fault == Fault.HANG ? SHORT_STALL : BOUND)) {
      long start = System.nanoTime();
      var put = hurried.put("other", pages());
      assertThatThrownBy(() -> read(hurried, 0, BLOCK))
          .hasMessageContaining(proxy.endpoint())
          .extracting(S3FaultsTest::kindOf)
          .isEqualTo(kind);
      Throwable failure = catchThrowableOfType(ExecutionException.class, put::get).getCause();
      assertThat(failure).hasMessageContaining(proxy.endpoint());
      assertThat(kindOf(failure)).as(failure.toString()).isEqualTo(kind);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND.plus(SLACK));
      assertThat(hurried.metrics().snapshot().errors()).isEqualTo(2);
    }
    assertThat(proxy.fired(fault)).isGreaterThanOrEqualTo(4);
  }

  private static List<ByteBuffer> mebibytes(int count) {
    return IntStream.range(0, 16 * count)
        .mapToObj(page -> ByteBuffer.allocateDirect(65536))
        .toList();
  }

  @Test
  void puts_that_share_a_thin_line_do_not_time_each_other_out() throws Exception {
    proxy.limitUplink(5_000_000); // a few at a time are quick, all at once none ends in the bound
    List<CompletableFuture<Void>> puts = new ArrayList<>();
    try (S3ObjectStore hurried = openWithin(Duration.ofSeconds(2))) {
      for (int i = 0; i < 24; i++) {
        puts.add(hurried.put("thin-" + i, mebibytes(1)));
      }
      for (CompletableFuture<Void> put : puts) {
        put.get();
      }
      assertThat(hurried.metrics().snapshot().errors()).isZero();
    }
    assertThat(store.list("thin-", null, 100).objects()).hasSize(24);
  }

  @Test
  void a_put_whose_bytes_move_may_take_longer_than_the_bound() throws Exception {
    proxy.limitUplink(3_000_000); // what the kernels hold of it passes within a stall
    long start = System.nanoTime();
    try (S3ObjectStore hurried = openWithin(Duration.ofSeconds(2))) {
      hurried.put("slow", mebibytes(16)).get();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofSeconds(5));
    assertThat(proxy.forwarded()).isEqualTo(1);
  }

  @Test
  void an_outage_ends_puts_that_have_not_had_their_turn_as_well() throws Exception {
    proxy.inject(Fault.ERROR_500, HttpFaultProxy.ALWAYS);
    List<CompletableFuture<Void>> puts = new ArrayList<>();
    try (S3ObjectStore hurried = openWithin(BOUND)) {
      long start = System.nanoTime();
      for (int i = 0; i < 40; i++) {
        puts.add(hurried.put("outage-" + i, mebibytes(1)));
      }
      for (CompletableFuture<Void> put : puts) {
        Throwable failure = catchThrowableOfType(ExecutionException.class, put::get).getCause();
        assertThat(kindOf(failure)).isEqualTo(Kind.OVERLOADED);
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND.plus(SLACK));
      assertThat(hurried.metrics().snapshot().errors()).isEqualTo(40);
    }
  }

  @Test
  void listing_and_deleting_are_repeated_too() throws Exception {
    store.putAndWait("a", List.of(ByteBuffer.allocate(1)));
    store.putAndWait("b", List.of(ByteBuffer.allocate(1)));
    proxy.inject(Fault.SLOW_DOWN_503, 1);
    assertThat(store.list("a", null, 10).objects()).hasSize(1);
    proxy.inject(Fault.ERROR_500, 1);
    store.delete(List.of("a", "b"));
    assertThat(store.list("a", null, 10).objects()).isEmpty();
    Snapshot counted = store.metrics().snapshot();
    assertThat(List.of(counted.lists(), counted.deletes(), counted.retries()))
        .containsExactly(3L, 2L, 2L);
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"NOT_IMPLEMENTED_501", "MISSING_MD5_400"})
  void a_store_that_refuses_batches_gets_its_deletes_one_by_one_from_then_on(Fault refusal)
      throws Exception {
    for (String key : List.of("x-a", "x-b", "x-c")) {
      store.putAndWait(key, List.of(ByteBuffer.allocate(1)));
    }
    proxy.inject(refusal, 1);
    store.delete(List.of("x-a", "missing", "x-b"));
    assertThat(proxy.fired(refusal)).isEqualTo(1);
    assertThat(store.metrics().snapshot().deletes()).isEqualTo(4);
    store.delete(List.of("x-c", "missing"));
    assertThat(store.metrics().snapshot().deletes()).isEqualTo(6);
    for (String key : List.of("x-a", "x-b", "x-c")) {
      assertThat(store.list(key, null, 1).objects()).isEmpty();
    }
  }

  @Test
  void an_interrupted_reader_makes_no_further_attempt_and_stays_interrupted() throws Exception {
    store.putAndWait("block", pages());
    proxy.inject(Fault.HANG, HttpFaultProxy.ALWAYS);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicBoolean interrupted = new AtomicBoolean();
    try (S3ObjectStore patient = openWithin(Duration.ofSeconds(20), SHORT_STALL)) {
      Thread reader =
          new Thread(
              () -> {
                failure.set(catchThrowable(() -> read(patient, 0, BLOCK)));
                interrupted.set(Thread.currentThread().isInterrupted());
              });
      reader.start();
      while (proxy.fired(Fault.HANG) == 0) {
        Thread.onSpinWait();
      }
      reader.interrupt();
      reader.join(5000);
      assertThat(reader.isAlive()).isFalse();
    }
    assertThat(failure.get()).hasMessageContaining("interrupted while reading 'block'");
    assertThat(interrupted).isTrue();
  }
}
