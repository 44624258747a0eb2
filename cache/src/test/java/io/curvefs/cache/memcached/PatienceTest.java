package io.curvefs.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PatienceTest {
  private static final long MILLI = 1_000_000;
  private static final long ASKED = Long.MAX_VALUE - 7 * MILLI; // the clock's numbers may wrap

  private final Patience patience = new Patience(Duration.ofMillis(10), Duration.ofMillis(50));

  private long millisLeft(long lastByte, long now) {
    return patience.nanosLeft(ASKED, ASKED + lastByte * MILLI, ASKED + now * MILLI) / MILLI;
  }

  @Test
  void silence_ends_it_counted_from_the_request_on() {
    assertThat(millisLeft(-1000, 0)).isEqualTo(10);
    assertThat(millisLeft(-1000, 9)).isEqualTo(1);
    assertThat(millisLeft(-1000, 10)).isZero();
    assertThat(millisLeft(-1000, 30)).isNegative();
  }

  @Test
  void every_byte_prolongs_it() {
    assertThat(millisLeft(9, 10)).isEqualTo(9);
    assertThat(millisLeft(30, 30)).isEqualTo(10);
    assertThat(millisLeft(30, 40)).isZero();
  }

  @Test
  void it_has_an_end_all_the_same() {
    assertThat(millisLeft(45, 45)).isEqualTo(5);
    assertThat(millisLeft(50, 50)).isZero();
  }
}
