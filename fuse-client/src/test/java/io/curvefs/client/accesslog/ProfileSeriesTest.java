package io.curvefs.client.accesslog;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.accesslog.AccessProfile.By;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProfileSeriesTest {
  private static final Instant BEGIN = Instant.parse("2026-11-27T19:00:00Z");

  private static String line(long seconds) {
    return new AccessRecord(BEGIN.plusSeconds(seconds), 0, 0, 1, "read", 2, "", AccessRecord.OK, 10)
        .toString();
  }

  @Test
  void a_log_is_cut_at_whole_intervals_from_its_first_record_and_empty_ones_are_left_out() {
    ProfileSeries series = new ProfileSeries(By.OP, Duration.ofSeconds(10));
    List<ProfileSeries.Part> parts = new ArrayList<>();
    for (long second : new long[] {0, 9, 8, 10, 45, 47}) {
      series.add(line(second)).ifPresent(parts::add);
    }
    parts.add(series.rest());

    assertThat(parts)
        .extracting(ProfileSeries.Part::begin)
        .containsExactly(BEGIN, BEGIN.plusSeconds(10), BEGIN.plusSeconds(40));
    assertThat(parts).extracting(part -> part.profile().records()).containsExactly(3L, 1L, 2L);
  }

  @Test
  void without_a_length_the_whole_log_is_one() {
    ProfileSeries series = new ProfileSeries(By.OP, null);
    assertThat(series.add("nonsense")).isEmpty();
    assertThat(series.add(line(0))).isEmpty();
    assertThat(series.add(line(86_400))).isEmpty();

    assertThat(series.rest().profile().records()).isEqualTo(2);
    assertThat(series.rest().profile().malformed()).isEqualTo(1);
  }
}
