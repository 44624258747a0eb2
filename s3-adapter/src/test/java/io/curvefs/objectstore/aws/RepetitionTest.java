package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkClientException;

class RepetitionTest {

  private long now = 12345;
  private double chance;
  private final Repetition repetition =
      new Repetition(Duration.ofSeconds(60), () -> now, () -> chance);

  private static ObjectStoreException failure(Kind kind) {
    return new ObjectStoreException(kind, kind.name());
  }

  private static ObjectStoreException damaged(boolean complete) {
    Exception damage =
        complete
            ? new DamagedBodyException("x")
            : new DamagedBodyException("x", new java.io.IOException());
    return new ObjectStoreException(Kind.CORRUPT, "damaged", damage);
  }

  /** Fails until it is over; returns the pauses in milliseconds. */
  private List<Long> pauses(ObjectStoreException failure) {
    List<Long> pauses = new ArrayList<>();
    try {
      while (true) {
        long pause = repetition.pauseAfter(failure);
        pauses.add(pause / 1_000_000);
        now += pause;
      }
    } catch (ObjectStoreException e) {
      assertThat(e).isSameAs(failure);
      return pauses;
    }
  }

  @Test
  void pauses_double_up_to_a_limit_until_the_time_is_over() {
    List<Long> pauses = pauses(failure(Kind.UNREACHABLE));
    assertThat(pauses).startsWith(25L, 50L, 100L, 200L, 400L, 800L, 1000L, 1000L).endsWith(1000L);
    assertThat(pauses.stream().mapToLong(Long::longValue).sum()).isBetween(58_000L, 60_000L);
  }

  @Test
  void an_overloaded_store_is_given_longer_pauses() {
    assertThat(pauses(failure(Kind.OVERLOADED)))
        .startsWith(100L, 200L, 400L, 800L, 1600L, 2500L, 2500L);
  }

  @Test
  void half_of_a_pause_is_chance() throws Exception {
    chance = 0.9999;
    assertThat(repetition.pauseAfter(failure(Kind.UNREACHABLE)) / 1_000_000).isEqualTo(49);
    chance = 0;
    assertThat(repetition.pauseAfter(failure(Kind.UNREACHABLE)) / 1_000_000).isEqualTo(50);
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"NOT_FOUND", "NO_SUCH_BUCKET", "ACCESS_DENIED", "REJECTED"})
  void what_will_not_change_is_not_repeated(Kind kind) {
    assertThat(pauses(failure(kind))).isEmpty();
  }

  @Test
  void a_body_that_is_complete_and_wrong_is_read_four_times() {
    assertThat(pauses(damaged(true))).hasSize(3);
  }

  @Test
  void a_body_that_ends_early_is_read_again_as_long_as_the_time_lasts() {
    assertThat(pauses(damaged(false))).hasSizeGreaterThan(50);
  }

  @Test
  void when_the_time_is_over_the_last_real_failure_is_told() throws Exception {
    ObjectStoreException real = failure(Kind.UNREACHABLE);
    ObjectStoreException late =
        new ObjectStoreException(Kind.OVERLOADED, "late", ApiCallTimeoutException.create(60_000));
    repetition.pauseAfter(real);
    now += Duration.ofSeconds(60).toNanos();
    assertThatThrownBy(() -> repetition.pauseAfter(late)).isSameAs(real);
  }

  @Test
  void a_connection_that_was_not_given_out_does_not_hide_why_others_failed() throws Exception {
    ObjectStoreException real = failure(Kind.UNREACHABLE);
    ObjectStoreException silent =
        new ObjectStoreException(
            Kind.OVERLOADED,
            "silent",
            SdkClientException.create("acquire", new Throwable(new TimeoutException())));
    repetition.pauseAfter(real);
    now += Duration.ofSeconds(30).toNanos();
    assertThat(repetition.pauseAfter(silent)).isPositive();
    now += Duration.ofSeconds(30).toNanos() - 1; // no time is left for a pause
    assertThatThrownBy(() -> repetition.pauseAfter(silent)).isSameAs(real);
  }

  @Test
  void a_call_that_hung_all_the_time_says_so() {
    ObjectStoreException late =
        new ObjectStoreException(Kind.OVERLOADED, "late", ApiCallTimeoutException.create(60_000));
    now += Duration.ofSeconds(60).toNanos();
    assertThatThrownBy(() -> repetition.pauseAfter(late)).isSameAs(late);
  }

  @Test
  void the_time_left_shrinks_but_never_to_nothing() {
    assertThat(repetition.timeLeft()).isEqualTo(Duration.ofSeconds(60));
    now += Duration.ofSeconds(59).toNanos();
    assertThat(repetition.timeLeft()).isEqualTo(Duration.ofSeconds(1));
    now += Duration.ofSeconds(59).toNanos();
    assertThat(repetition.timeLeft()).isEqualTo(Duration.ofMillis(1));
  }

  @Test
  void an_attempt_that_moved_bytes_for_long_is_repeated_within_the_bound_of_the_whole()
      throws Exception {
    Repetition moving =
        new Repetition(Duration.ofSeconds(60), Duration.ofSeconds(300), () -> now, () -> chance);
    ObjectStoreException broken = new ObjectStoreException(Kind.UNREACHABLE, "broken");
    now += Duration.ofSeconds(100).toNanos();
    moving.moved();
    assertThat(moving.pauseAfter(broken)).isPositive();
    assertThat(moving.timeLeft()).isEqualTo(Duration.ofSeconds(200));
    now += Duration.ofSeconds(61).toNanos();
    assertThatThrownBy(() -> moving.pauseAfter(broken)).isSameAs(broken);
    now += Duration.ofSeconds(140).toNanos();
    moving.moved();
    assertThatThrownBy(() -> moving.pauseAfter(broken)).isSameAs(broken);
  }
}
