package io.curvefs.space.device.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.space.device.DeviceTimeoutException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A disk that never answers, as seen by its callers. */
class LanesTest {
  private final Lanes lanes = new Lanes("block:///dev/dead", Duration.ofMillis(100));
  private final CountDownLatch dead = new CountDownLatch(1);

  @AfterEach
  void end() {
    dead.countDown();
    assertThat(lanes.end()).isTrue();
    assertThat(lanes.tryEnter()).isFalse();
  }

  private Object hang() throws IOException {
    return lanes.run(
        "a read",
        () -> {
          try {
            dead.await();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          return this;
        });
  }

  @Test
  void a_call_that_hangs_is_left_behind_and_others_go_on() throws IOException {
    assertThatThrownBy(this::hang)
        .isInstanceOf(DeviceTimeoutException.class)
        .hasMessageContainingAll("block:///dev/dead", "a read did not end", "dmesg");
    assertThat(lanes.run("a read", () -> "alive")).isEqualTo("alive");
  }

  @Test
  void a_device_whose_calls_still_hang_is_not_idle() {
    assertThatThrownBy(this::hang).isInstanceOf(DeviceTimeoutException.class);
    Lanes other = new Lanes("file:///x", Duration.ofMillis(100));
    assertThat(other.end()).isTrue();
    assertThat(lanes.end()).isFalse();
  }

  @Test
  void a_failure_is_the_callers() {
    assertThatThrownBy(
            () ->
                lanes.run(
                    "a read",
                    () -> {
                      throw new IOException("input/output error");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("input/output error");
  }
}
