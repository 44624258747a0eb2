package io.curvefs.client.accesslog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.curvefs.client.accesslog.AccessProfile.By;
import io.curvefs.client.accesslog.AccessProfile.Line;
import java.time.Instant;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class AccessProfileTest {
  private static AccessRecord access(String operation, long inode, long micros) {
    return new AccessRecord(
        Instant.EPOCH, 1000, 100, 7, operation, inode, "", AccessRecord.OK, micros);
  }

  @Test
  void requests_are_added_up_by_operation_the_costliest_first() {
    AccessProfile profile = new AccessProfile(By.OP);
    for (int i = 0; i < 98; i++) {
      profile.add(access("read", i, 10));
    }
    profile.add(access("read", 1, 20));
    profile.add(access("read", 1, 5000));
    profile.add(access("flush", 1, 18_000));

    assertThat(profile.records()).isEqualTo(101);
    List<Line> lines = profile.lines(10);
    assertThat(lines).extracting(Line::key).containsExactly("flush", "read");
    Line read = lines.get(1);
    assertThat(read.count()).isEqualTo(100);
    assertThat(read.averageMicros()).isEqualTo(60);
    assertThat(read.p99Micros()).isEqualTo(20);
    assertThat(read.totalSeconds()).isEqualTo(0.006);
    assertThat(read.sharePercent()).isEqualTo(25);
    assertThat(profile.lines(1)).extracting(Line::key).containsExactly("flush");
  }

  @Test
  void requests_are_told_apart_by_who_made_them_or_what_they_are_about() {
    AccessRecord access = access("read", 4711, 10);
    for (By by : By.values()) {
      AccessProfile profile = new AccessProfile(by);
      profile.add(access);
      assertThat(profile.lines(1).get(0).key())
          .isEqualTo(
              switch (by) {
                case OP -> "read";
                case UID -> "1000";
                case PID -> "7";
                case INODE -> "4711";
              });
    }
  }

  @Test
  void lines_that_are_none_of_ours_are_counted_and_do_no_harm() {
    AccessProfile profile = new AccessProfile(By.OP);
    profile.add("nonsense");
    profile.add(access("read", 1, 10).toString());
    profile.add("");

    assertThat(profile.malformed()).isEqualTo(2);
    assertThat(profile.records()).isEqualTo(1);
  }

  @Test
  void a_profile_of_nothing_is_empty() {
    assertThat(new AccessProfile(By.OP).lines(10)).isEmpty();
  }

  @Test
  void more_keys_than_fit_are_one_together() {
    AccessProfile profile = new AccessProfile(By.INODE);
    for (int i = 0; i < AccessProfile.KEYS_MAX + 5; i++) {
      profile.add(access("read", i, 1));
    }
    assertThat(profile.lines(Integer.MAX_VALUE)).hasSize(AccessProfile.KEYS_MAX + 1);
    assertThat(profile.lines(1))
        .containsExactly(
            new Line(AccessProfile.OTHERS, 5, 1, 1, 5e-6, 500.0 / (AccessProfile.KEYS_MAX + 5)));
  }

  @Property
  void a_percentile_is_at_most_a_32nd_too_high(
      @ForAll @Size(min = 1, max = 200) List<@LongRange(max = 1L << 40) Long> micros) {
    Durations durations = new Durations();
    micros.forEach(durations::add);

    List<Long> sorted = micros.stream().sorted().toList();
    long exact = sorted.get((sorted.size() * 99 + 99) / 100 - 1);
    assertThat(durations.percentile(99)).isBetween(exact, exact + exact / 32);
    assertThat(durations.total()).isEqualTo(micros.stream().mapToLong(Long::longValue).sum());
    assertThat((double) durations.count()).isCloseTo(micros.size(), within(0.0));
  }
}
