package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ServiceGateTest {
  private final MovableClock clock = new MovableClock();
  private final ServiceGate gate = new ServiceGate("testing", Duration.ofSeconds(30), clock);

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      gate.failed(new IOException("no"));
    }
  }

  @Test
  void it_closes_after_errors_in_a_row_only() {
    for (int i = 0; i < 10; i++) {
      fail(ServiceGate.ERRORS_MAX - 1);
      assertThat(gate.letsThrough()).isTrue();
      gate.passed();
    }
    fail(ServiceGate.ERRORS_MAX);
    assertThat(gate.letsThrough()).isFalse();
  }

  @Test
  void a_closed_gate_lets_one_probe_through_per_interval() {
    fail(ServiceGate.ERRORS_MAX);
    clock.move(Duration.ofSeconds(29));
    assertThat(gate.letsThrough()).isFalse();
    clock.move(Duration.ofSeconds(1));
    assertThat(gate.letsThrough()).isTrue();
    assertThat(gate.letsThrough()).isFalse();
    gate.passed();
    assertThat(gate.letsThrough()).isTrue();
    assertThat(gate.letsThrough()).isTrue();
  }

  @Test
  void to_ask_takes_no_probe() {
    assertThat(gate.mayLetThrough()).isTrue();
    fail(ServiceGate.ERRORS_MAX);
    assertThat(gate.mayLetThrough()).isFalse();
    clock.move(Duration.ofSeconds(30));
    assertThat(gate.mayLetThrough()).isTrue();
    assertThat(gate.mayLetThrough()).isTrue();
    assertThat(gate.letsThrough()).isTrue();
    assertThat(gate.mayLetThrough()).isFalse();
  }

  @Test
  void a_clock_that_goes_back_does_not_keep_it_closed() {
    fail(ServiceGate.ERRORS_MAX);
    clock.move(Duration.ofDays(-365));
    assertThat(gate.letsThrough()).isTrue();
    assertThat(gate.letsThrough()).isFalse();
    clock.move(Duration.ofSeconds(30));
    assertThat(gate.letsThrough()).isTrue();
  }
}
