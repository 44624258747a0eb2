package io.curvefs.cache.memcached;

import static io.curvefs.cache.TestBlocks.assertAndRelease;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On one server that works. */
class MemcachedTierTest {
  private static final BlockId BLOCK = new BlockId(9, 2, 2 * PartLayout.BYTES + 5);
  private static MemcachedProcess server;

  private final UUID namespace = UUID.randomUUID();
  private final PagePool pool = new PagePool(64L << 20);
  private final MemcachedTier tier = new MemcachedTier(TestOptions.patient(namespace), pool);

  @BeforeAll
  static void startServer() throws IOException {
    server = MemcachedProcess.start("-m", "64", "-vv");
  }

  @AfterAll
  static void killServer() throws IOException {
    server.close();
  }

  @BeforeEach
  void useServer() {
    tier.use(List.of(server.server()));
    assertThat(tier.serversInService()).isEqualTo(1);
    server.forgetRequests();
  }

  @AfterEach
  void no_page_leaked() {
    tier.close();
    assertThat(pool.inUse()).isZero();
  }

  private void store(BlockId id) throws IOException {
    PagedBytes content = TestBlocks.content(pool, id);
    try {
      tier.store(id, content, 1);
    } finally {
      content.release();
    }
  }

  private String key(BlockId id, int part) {
    return PartLayout.key(namespace, id, part);
  }

  private byte[] range(BlockId id, int offset, int length) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    assertThat(tier.readRange(id, offset, dst)).isPositive();
    return dst.array();
  }

  @Test
  void blocks_up_to_4_MiB_come_back_from_a_server_with_the_default_item_limit() throws IOException {
    for (int length : new int[] {1, PartLayout.BYTES, PartLayout.BYTES + 1, BlockId.BYTES_MAX}) {
      BlockId id = new BlockId(1, 1, length);
      assertThat(tier.read(id)).isNull();
      store(id);
      assertAndRelease(tier.read(id), id);
    }
    assertThat(tier.statistics().hits()).isEqualTo(4);
    assertThat(tier.statistics().misses()).isEqualTo(4);
    assertThat(tier.statistics().errors()).isZero();
  }

  @Test
  void a_block_is_read_with_one_request_and_a_range_asks_for_its_parts_only() throws IOException {
    BlockId id = new BlockId(1, 1, BlockId.BYTES_MAX);
    store(id);
    tier.read(id).release();
    assertThat(server.requests("get")).hasSize(1);
    assertThat(server.requests("get").get(0).split(" ")).hasSize(1 + PartLayout.count(id));
    server.forgetRequests();

    int offset = 3 * PartLayout.BYTES - 10;
    byte[] bytes = TestBlocks.bytesOf(id);
    assertThat(range(id, offset, 20)).isEqualTo(Arrays.copyOfRange(bytes, offset, offset + 20));
    assertThat(range(id, 5, 4096)).isEqualTo(Arrays.copyOfRange(bytes, 5, 5 + 4096));
    assertThat(server.requests("get"))
        .containsExactly("get " + key(id, 2) + " " + key(id, 3), "get " + key(id, 0));
  }

  @Test
  void every_part_is_stored_by_one_request_that_never_expires() throws IOException {
    store(BLOCK);
    assertThat(server.requests("set"))
        .containsExactly(
            "set " + key(BLOCK, 0) + " 0 0 " + (PartLayout.BYTES + 56),
            "set " + key(BLOCK, 1) + " 0 0 " + (PartLayout.BYTES + 56),
            "set " + key(BLOCK, 2) + " 0 0 61");
  }

  @Test
  void a_poisoned_value_is_a_miss_and_is_deleted() throws IOException {
    store(BLOCK);
    byte[] right = server.get(key(BLOCK, 1));
    store(new BlockId(9, 3, BLOCK.length()));
    byte[] ofAnotherBlock = server.get(key(new BlockId(9, 3, BLOCK.length()), 1));
    byte[] ofAnotherPart = server.get(key(BLOCK, 0));
    byte[] flipped = right.clone();
    flipped[300_000] ^= 4;
    List<byte[]> poisons =
        List.of(
            new byte[0],
            new byte[] {1},
            new byte[right.length],
            new byte[900_000],
            Arrays.copyOf(right, right.length - 1),
            Arrays.copyOf(right, right.length + 1),
            flipped,
            ofAnotherBlock,
            ofAnotherPart,
            ofAnotherFileSystem());
    for (int i = 0; i < poisons.size(); i++) {
      server.set(key(BLOCK, 1), poisons.get(i));
      assertThat(tier.read(BLOCK)).as("poison %d", i).isNull();
      assertThat(server.get(key(BLOCK, 1))).as("poison %d", i).isNull();
      assertThat(tier.statistics().errors()).isEqualTo(2 * i + 1);
      store(BLOCK);
      assertAndRelease(tier.read(BLOCK), BLOCK);

      server.set(key(BLOCK, 1), poisons.get(i));
      ByteBuffer dst = ByteBuffer.allocate(10);
      assertThat(tier.readRange(BLOCK, PartLayout.BYTES, dst)).isZero();
      assertThat(dst.position()).isZero();
      assertThat(server.get(key(BLOCK, 1))).isNull();
      store(BLOCK);
    }
    assertThat(tier.serversInService()).isEqualTo(1);
  }

  private byte[] ofAnotherFileSystem() throws IOException {
    UUID other = UUID.randomUUID();
    try (MemcachedTier stranger = new MemcachedTier(TestOptions.patient(other), pool)) {
      stranger.use(List.of(server.server()));
      assertThat(stranger.read(BLOCK)).isNull();
      PagedBytes content = TestBlocks.content(pool, BLOCK);
      stranger.store(BLOCK, content, 1);
      content.release();
    }
    return server.get(PartLayout.key(other, BLOCK, 1));
  }

  @Test
  void a_block_of_which_one_part_was_evicted_is_a_miss_until_it_is_stored_again()
      throws IOException {
    store(BLOCK);
    for (int part = 0; part < 3; part++) {
      server.delete(key(BLOCK, part));
      assertThat(tier.read(BLOCK)).isNull();
      assertThat(tier.present(List.of(BLOCK))).isEmpty();
      store(BLOCK);
      assertThat(tier.present(List.of(BLOCK))).containsExactly(BLOCK);
      assertAndRelease(tier.read(BLOCK), BLOCK);
    }
    assertThat(tier.statistics().errors()).isZero();
  }

  @Test
  void presence_is_told_without_moving_content() throws IOException {
    List<BlockId> some = new ArrayList<>();
    for (int i = 0; i < 700; i++) { // more than one batch
      some.add(new BlockId(4, i, 10));
    }
    for (BlockId id : some.subList(100, 600)) {
      store(id);
    }
    long sent = server.counters().get("bytes_written");
    assertThat(tier.present(some)).isEqualTo(Set.copyOf(some.subList(100, 600)));
    assertThat(server.counters().get("bytes_written") - sent).isLessThan(700 * 15 + 5000);
  }

  @Test
  void an_evicted_block_is_gone() throws IOException {
    store(BLOCK);
    assertThat(tier.evict(BLOCK)).isTrue();
    assertThat(tier.evict(BLOCK)).isFalse();
    assertThat(tier.read(BLOCK)).isNull();
  }

  @Test
  void room_is_what_the_server_says() throws IOException {
    store(new BlockId(1, 1, BlockId.BYTES_MAX));
    assertThat(tier.room().bytesMax()).isEqualTo(64L << 20);
    assertThat(tier.room().bytesUsed()).isGreaterThan(BlockId.BYTES_MAX);
    assertThat(tier.room().bytesHeld()).isZero();
  }

  @Test
  void a_job_does_not_push_out_what_it_has_stored_itself() throws IOException {
    try (MemcachedProcess small = MemcachedProcess.start("-m", "64")) {
      tier.use(List.of(small.server()));
      List<BlockId> stored = new ArrayList<>();
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 30; i++) {
                  BlockId id = new BlockId(1, i, BlockId.BYTES_MAX);
                  store(id);
                  stored.add(id);
                }
              })
          .isInstanceOf(CacheFullException.class)
          .hasMessageContaining(small.server().toString());
      assertThat(stored).hasSize(13); // 54 of 64 MiB
      assertThat(tier.present(stored)).hasSize(13);
      assertThat(small.counters().get("evictions")).isZero();
      tier.release(1);
      store(new BlockId(2, 0, BlockId.BYTES_MAX));
    }
  }

  @Test
  void an_item_that_the_server_refuses_is_told_to_who_stores_it() throws IOException {
    try (MemcachedProcess narrow =
        MemcachedProcess.start("-I", "64k", "-o", "slab_chunk_max=32768")) {
      tier.use(List.of(narrow.server()));
      assertThatThrownBy(() -> store(BLOCK))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "memcached server %s refused block %s: SERVER_ERROR object too large for cache"
                  .formatted(narrow.server(), BLOCK));
      store(new BlockId(1, 1, 10));
      assertAndRelease(tier.read(new BlockId(1, 1, 10)), new BlockId(1, 1, 10));
      assertThat(tier.serversInService()).isEqualTo(1);
    }
  }

  @Test
  void an_offered_block_is_stored_in_the_background() throws IOException {
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    tier.offer(BLOCK, content);
    content.release();
    TestOptions.untilIdle(tier);
    assertAndRelease(tier.read(BLOCK), BLOCK);
    assertThat(tier.statistics().drops()).isZero();
  }

  @Test
  void without_servers_the_tier_is_off() throws IOException {
    store(BLOCK);
    tier.use(List.of());
    assertThat(tier.isOn()).isFalse();
    assertThat(tier.read(BLOCK)).isNull();
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    tier.offer(BLOCK, content);
    content.release();
    assertThat(pool.inUse()).isZero();
    assertThat(tier.room().bytesMax()).isZero();
    assertThat(tier.statistics().misses()).isZero();
    assertThatThrownBy(() -> store(BLOCK))
        .hasMessage("no memcached servers are bound to this file system");
    tier.use(List.of(server.server()));
    assertAndRelease(tier.read(BLOCK), BLOCK);
  }
}
