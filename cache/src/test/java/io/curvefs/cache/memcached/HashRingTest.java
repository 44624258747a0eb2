package io.curvefs.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HashRingTest {
  private static final int BLOCKS = 20_000;
  private final List<String> ten = IntStream.range(0, 10).mapToObj(i -> "host" + i + ":1").toList();

  private static Map<Long, String> place(HashRing<String> ring, List<String> usable) {
    SplittableRandom random = new SplittableRandom(1);
    Map<Long, String> places = new HashMap<>();
    for (int i = 0; i < BLOCKS; i++) {
      long hash = random.nextLong();
      places.put(hash, ring.find(hash, usable::contains));
    }
    return places;
  }

  @Test
  void shares_are_even() {
    Map<Long, String> places = place(HashRing.of(ten), ten);
    for (String server : ten) {
      assertThat(Collections.frequency(places.values(), server))
          .isBetween(BLOCKS / 10 * 7 / 10, BLOCKS / 10 * 13 / 10);
    }
  }

  @Test
  void the_order_in_which_servers_are_named_does_not_matter() {
    List<String> reversed = new ArrayList<>(ten);
    Collections.reverse(reversed);
    assertThat(place(HashRing.of(reversed), ten)).isEqualTo(place(HashRing.of(ten), ten));
  }

  @Test
  void a_server_that_is_unusable_or_gone_moves_its_own_share_only() {
    Map<Long, String> all = place(HashRing.of(ten), ten);
    List<String> nine = ten.subList(1, 10);
    Map<Long, String> without = place(HashRing.of(ten), nine);
    assertThat(place(HashRing.of(nine), nine)).isEqualTo(without);
    all.forEach(
        (hash, server) -> {
          if (server.equals(ten.get(0))) {
            assertThat(without.get(hash)).isIn(nine);
          } else {
            assertThat(without.get(hash)).isEqualTo(server);
          }
        });
    assertThat(
            ten.stream()
                .filter(
                    server ->
                        all.entrySet().stream()
                            .anyMatch(
                                block ->
                                    block.getValue().equals(ten.get(0))
                                        && server.equals(without.get(block.getKey()))))
                .count())
        .as("servers among which a lost share is spread")
        .isEqualTo(9);
  }

  @Test
  void none_is_found_when_none_is_usable_or_there_are_none() {
    assertThat(HashRing.of(ten).find(5, server -> false)).isNull();
    assertThat(HashRing.of(List.<String>of()).find(5, server -> true)).isNull();
  }

  @Test
  void the_ends_of_the_ring_meet() {
    HashRing<String> ring = HashRing.of(ten);
    assertThat(ring.find(Long.MAX_VALUE, server -> true))
        .isEqualTo(ring.find(Long.MIN_VALUE, server -> true));
  }
}
