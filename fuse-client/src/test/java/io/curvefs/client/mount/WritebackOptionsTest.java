package io.curvefs.client.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class WritebackOptionsTest {
  private static WritebackOptions parse(String text) {
    return MountOptions.parse(text, false, Path.of("/home/me")).writeback();
  }

  @Test
  void it_is_off_unless_asked_for_and_knows_where_an_earlier_journal_would_be() {
    assertThat(parse(""))
        .isEqualTo(
            new WritebackOptions(
                false,
                Path.of("/home/me/.cache/curvefs/writeback"),
                4L << 30,
                Duration.ofSeconds(30)));
  }

  @Test
  void the_journal_lies_below_the_first_cache_directory_unless_told_otherwise() {
    assertThat(parse("writeback,cache_dir=/a:/b").directory()).isEqualTo(Path.of("/a/writeback"));
    assertThat(parse("writeback,cache_dir=/a:/b,writeback_dir=/c"))
        .isEqualTo(new WritebackOptions(true, Path.of("/c"), 4L << 30, Duration.ofSeconds(30)));
  }

  @Test
  void a_journal_that_is_too_small_is_refused_by_the_name_of_its_option() {
    assertThatThrownBy(() -> parse("writeback,writeback_size=1M"))
        .hasMessageContaining("writeback_size must be at least 64M");
  }
}
