package io.curvefs.metaserver.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RememberedTest {
  @Test
  void a_number_is_found_out_again_only_when_its_time_is_over() {
    AtomicLong clock = new AtomicLong(-5);
    AtomicLong asked = new AtomicLong();
    Remembered number = new Remembered(asked::incrementAndGet, Duration.ofNanos(10), clock::get);

    assertThat(number.getAsLong()).isEqualTo(1);
    clock.addAndGet(9);
    assertThat(number.getAsLong()).isEqualTo(1);
    clock.addAndGet(1);
    assertThat(number.getAsLong()).isEqualTo(2);
    assertThat(number.getAsLong()).isEqualTo(2);
  }
}
