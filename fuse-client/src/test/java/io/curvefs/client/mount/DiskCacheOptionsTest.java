package io.curvefs.client.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.disk.DiskTierOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiskCacheOptionsTest {
  private static DiskCacheOptions parse(String options) {
    return MountOptions.parse(options, true, Path.of("/home")).diskCache();
  }

  @Test
  void the_defaults_are_10_GiB_in_one_directory_a_tenth_of_whose_disk_stays_free() {
    assertThat(parse(""))
        .isEqualTo(
            new DiskCacheOptions(
                List.of(Path.of("/var/cache/curvefs")), 10L << 30, 1_000_000, 0.1, 0, true));
  }

  @Test
  void every_option_is_understood() {
    assertThat(
            parse(
                "cache_dir=/a:/b/../c,cache_size=1T,cache_files=5000000,cache_free=50G,"
                    + "cache_populate=read"))
        .isEqualTo(
            new DiskCacheOptions(
                List.of(Path.of("/a"), Path.of("/c")), 1L << 40, 5_000_000, 0, 50L << 30, false));
    assertThat(parse("cache_free=2.5%").freeRatioMin()).isEqualTo(0.025);
  }

  @Test
  void the_tier_gets_what_was_asked_for_and_without_a_size_there_is_none() {
    UUID fileSystem = new UUID(1, 2);
    DiskTierOptions tier = parse("cache_dir=/a:/b,cache_size=1G,cache_free=5%").tier(fileSystem);
    assertThat(tier).isNotNull();
    assertThat(tier.directories()).containsExactly(Path.of("/a"), Path.of("/b"));
    assertThat(tier.namespace()).isEqualTo(fileSystem);
    assertThat(tier.bytesMax()).isEqualTo(1L << 30);
    assertThat(tier.freeRatioMin()).isEqualTo(0.05);
    assertThat(parse("cache_size=0").tier(fileSystem)).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "cache_dir=/a:/a, cache_dir",
    "cache_dir=/a:, empty name",
    "cache_dir=, cache_dir needs a value",
    "cache_files=many, cache_files=many",
    "cache_files=0, cache_files must be at least 1",
    "cache_free=100%, cache_free=100%",
    "cache_free=-1%, cache_free=-1%",
    "cache_free=x%, such as 10% or size such as 50G",
    "cache_free=much, cache_free=much is no share such as 10%",
    "cache_populate=write, cache_populate=write"
  })
  void what_is_wrong_is_named(String option, String named) {
    assertThatThrownBy(() -> parse(option))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
  }
}
