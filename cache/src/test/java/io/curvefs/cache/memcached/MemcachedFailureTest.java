package io.curvefs.cache.memcached;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.Threads;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What servers that die, hang and return cost. */
class MemcachedFailureTest {
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final int BLOCKS = 60;

  private final UUID namespace = UUID.randomUUID();
  private final PagePool pool = new PagePool(64L << 20);
  private final List<MemcachedProcess> servers = new ArrayList<>();
  private MemcachedTier tier = new MemcachedTier(TestOptions.patient(namespace), pool);

  @AfterEach
  void no_page_leaked() throws IOException {
    for (MemcachedProcess server : servers) {
      server.close();
    }
    tier.close();
    assertThat(pool.inUse()).isZero();
  }

  private void start(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      servers.add(MemcachedProcess.start());
    }
    tier.use(servers.stream().map(MemcachedProcess::server).toList());
    assertThat(tier.serversInService()).isEqualTo(count);
  }

  /** Goes on with a tier that waits no longer than this for a server that hangs. */
  private void reopen(MemcachedOptions options) {
    tier.close();
    tier = new MemcachedTier(options, pool);
    tier.use(servers.stream().map(MemcachedProcess::server).toList());
    untilInService(servers.size());
  }

  private static BlockId block(int i) {
    return new BlockId(1, i, 1000 + i);
  }

  private void store(BlockId id) throws IOException {
    PagedBytes content = TestBlocks.content(pool, id);
    try {
      tier.store(id, content, 1);
    } finally {
      content.release();
    }
  }

  private void storeAll() throws IOException {
    for (int i = 0; i < BLOCKS; i++) {
      store(block(i));
    }
  }

  /** How many of the blocks the tier has; each is right. */
  private int readAll() throws IOException {
    int found = 0;
    for (int i = 0; i < BLOCKS; i++) {
      PagedBytes content = tier.read(block(i));
      if (content != null) {
        assertAndRelease(content, block(i));
        found++;
      }
    }
    return found;
  }

  private void untilInService(int count) {
    Threads.until(() -> tier.serversInService() == count);
  }

  @Test
  void a_killed_server_costs_at_most_one_failed_request_and_is_used_again_when_it_returns()
      throws IOException {
    start(1);
    storeAll();
    servers.get(0).kill();
    assertThat(readAll()).isZero();
    assertThat(tier.statistics().errors()).isLessThanOrEqualTo(1);
    assertThatThrownBy(() -> store(block(0)))
        .hasMessage("none of the memcached servers answers: " + servers.get(0).server());
    servers.get(0).restart();
    untilInService(1);
    assertThat(readAll()).isZero(); // it is empty
    storeAll();
    assertThat(readAll()).isEqualTo(BLOCKS);
    assertThat(tier.statistics().errors()).isLessThanOrEqualTo(1);
  }

  @Test
  void a_server_that_was_restarted_while_nobody_asked_is_used_without_an_error()
      throws IOException {
    start(1);
    servers.get(0).kill();
    untilInService(0);
    servers.get(0).restart();
    untilInService(1);
    storeAll();
    assertThat(readAll()).isEqualTo(BLOCKS);
    assertThat(tier.statistics().errors()).isZero();
  }

  @Test
  void a_server_that_hangs_costs_one_wait_and_has_everything_when_it_goes_on() throws Exception {
    start(1);
    storeAll();
    reopen(TestOptions.waiting(namespace, SHORT));
    servers.get(0).stop();
    assertThat(readAll()).isZero();
    assertThat(readAll()).isZero();
    assertThat(tier.statistics().errors()).as("waits in vain").isEqualTo(1);
    servers.get(0).goOn();
    untilInService(1);
    reopen(TestOptions.patient(namespace));
    assertThat(readAll()).isEqualTo(BLOCKS);
  }

  @Test
  void threads_that_read_while_a_server_hangs_wait_together_and_once() throws Exception {
    start(1);
    storeAll();
    reopen(TestOptions.waiting(namespace, SHORT));
    servers.get(0).stop();
    Threads.runAll(
        8,
        thread ->
            () -> {
              assertThat(readAll()).isZero();
              return null;
            });
    assertThat(tier.statistics().errors()).as("requests in vain").isBetween(1L, 8L);
    servers.get(0).goOn();
  }

  @Test
  void the_share_of_a_lost_server_goes_to_the_others_and_theirs_stays() throws IOException {
    start(3);
    storeAll();
    servers.get(0).kill();
    int found = readAll();
    assertThat(found).isBetween(BLOCKS / 4, BLOCKS - 5);
    assertThat(tier.serversInService()).isEqualTo(2);
    storeAll();
    assertThat(readAll()).isEqualTo(BLOCKS);
    servers.get(0).restart();
    untilInService(3);
    assertThat(readAll()).isEqualTo(found); // its share is asked of it again
  }

  @Test
  void presence_and_eviction_say_which_server_does_not_answer() throws IOException {
    start(1);
    store(block(1));
    servers.get(0).kill();
    assertThatThrownBy(() -> tier.present(List.of(block(1))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(servers.get(0).server().toString());
    assertThatThrownBy(() -> tier.evict(block(1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(servers.get(0).server().toString());
    assertThat(tier.room().bytesMax()).isZero();
  }

  @Test
  void a_server_that_is_not_there_at_first_is_used_once_it_is() throws IOException {
    servers.add(MemcachedProcess.start());
    servers.get(0).kill();
    tier.use(List.of(servers.get(0).server(), new MemcachedServer("no.such.host.invalid", 11211)));
    assertThat(tier.serversInService()).isZero();
    assertThat(tier.read(block(1))).isNull();
    servers.get(0).restart();
    untilInService(1);
    storeAll();
    assertThat(readAll()).isEqualTo(BLOCKS);
  }

  @Test
  void what_is_offered_to_a_server_that_hangs_is_dropped_beyond_a_bound() throws Exception {
    start(1);
    servers.get(0).stop();
    for (int i = 0; i < 40; i++) {
      BlockId id = new BlockId(2, i, 1 << 20);
      PagedBytes content = TestBlocks.content(pool, id);
      tier.offer(id, content);
      content.release();
    }
    assertThat(tier.statistics().drops()).isEqualTo(40 - 8);
    assertThat(pool.inUse()).isEqualTo((8 << 20) / PagePool.PAGE_BYTES);
    servers.get(0).goOn();
    TestOptions.untilIdle(tier);
    assertThat(tier.present(List.of(new BlockId(2, 7, 1 << 20)))).hasSize(1);
  }

  @Test
  void warmups_wait_until_what_is_on_its_way_has_arrived() throws Exception {
    start(1);
    servers.get(0).stop();
    List<Future<Object>> storing =
        Threads.startAll(
            12,
            i ->
                () -> {
                  store(new BlockId(3, i, 2 << 20));
                  return i;
                });
    servers.get(0).goOn();
    for (Future<Object> one : storing) {
      one.get(30, TimeUnit.SECONDS);
    }
    assertThat(tier.statistics().drops()).isZero();
    for (int i = 0; i < 12; i++) {
      assertAndRelease(tier.read(new BlockId(3, i, 2 << 20)), new BlockId(3, i, 2 << 20));
    }
  }

  @Test
  void a_defect_of_the_client_library_costs_a_connection_and_no_error_of_another_kind()
      throws Exception {
    servers.add(MemcachedProcess.start());
    MemcachedServer server = servers.get(0).server();
    ScheduledExecutorService background = Executors.newScheduledThreadPool(1);
    ServerNode node = new ServerNode(server, TestOptions.patient(namespace), background);
    try {
      node.start().get(30, TimeUnit.SECONDS);
      AtomicReference<ServerConnection> first = new AtomicReference<>();
      assertThatThrownBy(
              () ->
                  node.use(
                      connection -> {
                        first.set(connection);
                        throw new IllegalStateException("a bug of xmemcached");
                      }))
          .isInstanceOf(ServerLostException.class)
          .hasMessageContaining("a bug of xmemcached");
      Threads.until(node::isInService);
      node.<Void>use(
          connection -> {
            assertThat(connection).isNotSameAs(first.get());
            assertThat(connection.counter("limit_maxbytes")).isPositive();
            return null;
          });
    } finally {
      node.retire();
      background.shutdown();
      assertThat(background.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void servers_that_come_and_go_under_load_never_cause_an_error_or_wrong_bytes() throws Exception {
    start(3);
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    List<MemcachedServer> all = servers.stream().map(MemcachedProcess::server).toList();
    AtomicBoolean done = new AtomicBoolean();
    AtomicInteger hits = new AtomicInteger();
    List<Future<Object>> threads =
        Threads.startAll(
            5,
            thread ->
                () -> {
                  SplittableRandom random = new SplittableRandom(seed + thread);
                  if (thread == 0) {
                    try {
                      for (int round = 0; round < 8; round++) {
                        servers.get(0).kill();
                        tier.use(all.subList(random.nextInt(3), 3));
                        servers.get(0).restart();
                        tier.use(all);
                      }
                    } finally {
                      done.set(true); // else the others would never end
                    }
                  }
                  while (!done.get()) {
                    use(new BlockId(4, random.nextInt(30), 700_000), random, hits);
                  }
                  return null;
                });
    for (Future<Object> thread : threads) {
      thread.get(60, TimeUnit.SECONDS);
    }
    assertThat(hits.get()).isPositive();
    untilInService(3);
    store(block(1));
    assertAndRelease(tier.read(block(1)), block(1));
  }

  private void use(BlockId id, SplittableRandom random, AtomicInteger hits) throws IOException {
    switch (random.nextInt(4)) {
      case 0 -> {
        PagedBytes content = TestBlocks.content(pool, id);
        tier.offer(id, content);
        content.release();
      }
      case 1 -> {
        ByteBuffer dst = ByteBuffer.allocate(50_000);
        int from = random.nextInt(600_000);
        if (tier.readRange(id, from, dst) > 0) {
          assertThat(dst.flip()).isEqualTo(ByteBuffer.wrap(TestBlocks.bytesOf(id), from, 50_000));
        }
      }
      default -> {
        PagedBytes content = tier.read(id);
        if (content != null) {
          assertAndRelease(content, id);
          hits.incrementAndGet();
        }
      }
    }
  }
}
