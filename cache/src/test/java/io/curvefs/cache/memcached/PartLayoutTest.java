package io.curvefs.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagePool;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class PartLayoutTest {
  /** What an item may have in a server that was started without options, key and all. */
  private static final int ITEM_BYTES_MAX = 1 << 20;

  @Property
  void parts_cover_a_block_without_gap_or_overlap(
      @ForAll @IntRange(min = 1, max = BlockId.BYTES_MAX) int length) {
    BlockId id = new BlockId(1, 2, length);
    int sum = 0;
    for (int part = 0; part < PartLayout.count(id); part++) {
      assertThat(PartLayout.length(id, part)).isBetween(1, PartLayout.BYTES);
      assertThat(PartLayout.partAt(sum)).isEqualTo(part);
      sum += PartLayout.length(id, part);
      assertThat(PartLayout.partAt(sum - 1)).isEqualTo(part);
    }
    assertThat(sum).isEqualTo(length);
  }

  @Property
  void the_pages_of_the_parts_are_those_of_the_block_in_order(
      @ForAll @IntRange(min = 1, max = BlockId.BYTES_MAX) int length) {
    BlockId id = new BlockId(1, 2, length);
    List<Integer> pages = IntStream.range(0, PagePool.pagesFor(length)).boxed().toList();
    int next = 0;
    for (int part = 0; part < PartLayout.count(id); part++) {
      List<Integer> ofPart = PartLayout.pagesOf(pages, part);
      assertThat(ofPart).hasSize(PagePool.pagesFor(PartLayout.length(id, part)));
      for (int page : ofPart) {
        assertThat(page).isEqualTo(next++);
      }
    }
    assertThat(next).isEqualTo(pages.size());
  }

  @Property
  void keys_are_what_memcached_takes_and_differ(
      @ForAll @LongRange(min = 0) long slice,
      @ForAll @IntRange(min = 0) int index,
      @ForAll @IntRange(min = 1, max = BlockId.BYTES_MAX) int length) {
    BlockId id = new BlockId(slice, index, length);
    String first = PartLayout.key(new UUID(-1, -1), id, 0);
    assertThat(first.length()).isLessThanOrEqualTo(250);
    assertThat(first).matches("[!-~]+");
    assertThat(PartLayout.key(new UUID(-1, -1), id, 1)).isNotEqualTo(first);
    assertThat(PartLayout.key(new UUID(-1, -2), id, 0)).isNotEqualTo(first);
  }

  @Test
  void the_largest_value_is_far_below_the_limit_of_a_server_without_options() {
    BlockId id = new BlockId(Long.MAX_VALUE, Integer.MAX_VALUE, BlockId.BYTES_MAX);
    int item = PartLayout.key(new UUID(-1, -1), id, 7).length() + PartFormat.valueBytes(id, 0);
    assertThat(item).isLessThan(ITEM_BYTES_MAX * 3 / 4);
  }

  @Test
  void the_place_of_a_block_is_frozen_so_that_all_hosts_agree() {
    UUID namespace = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    assertThat(PartLayout.hash(namespace, new BlockId(5, 6, 7))).isEqualTo(6754175157432498681L);
    List<String> servers = List.of("a:1", "b:1", "c:1");
    String placed =
        IntStream.range(0, 40)
            .mapToObj(
                index ->
                    HashRing.of(servers)
                        .find(PartLayout.hash(namespace, new BlockId(1, index, 9)), server -> true))
            .reduce("", (all, server) -> all + server.charAt(0));
    assertThat(placed).isEqualTo("ccccbabbbaabcaacccbbaccaccbaccccaaccacab");
  }
}
