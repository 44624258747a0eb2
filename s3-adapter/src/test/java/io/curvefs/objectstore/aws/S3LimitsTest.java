package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class S3LimitsTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  @Test
  void the_defaults_are_those_documented() {
    assertThat(S3Limits.DEFAULTS)
        .isEqualTo(
            new S3Limits(
                64, 64, Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(60)));
  }

  @Test
  void a_shorter_total_shortens_what_does_not_fit() {
    assertThat(S3Limits.DEFAULTS.withTotalBound(SECOND))
        .isEqualTo(new S3Limits(64, 64, SECOND, SECOND, SECOND));
  }

  @Test
  void limits_that_make_no_sense_are_refused() {
    assertThatThrownBy(() -> new S3Limits(0, 1, SECOND, SECOND, SECOND))
        .hasMessageContaining("puts");
    assertThatThrownBy(() -> new S3Limits(1, 10_001, SECOND, SECOND, SECOND))
        .hasMessageContaining("reads");
    assertThatThrownBy(() -> new S3Limits(1, 1, Duration.ZERO, SECOND, SECOND))
        .hasMessageContaining("connect");
    assertThatThrownBy(() -> new S3Limits(1, 1, SECOND, SECOND.plusMillis(1), SECOND))
        .hasMessageContaining("stall");
  }
}
