package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.mount.MountTable;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The trial of volumes, a short one. */
@Timeout(300)
class VolumeTrialTest {
  private static final Path TRIAL = Checkout.HOME.resolve("bench/volume");

  @TempDir private Path directory;

  @Test
  void nothing_is_lost_given_twice_or_wrong_and_nothing_is_left_behind() throws IOException {
    Shell.Result result =
        Shell.run(
            TRIAL,
            "--json",
            "--data",
            directory.resolve("data"),
            "--volume-mib",
            "512",
            "--fill-rounds",
            "0",
            "--kills",
            "2",
            "--seconds",
            "10",
            "--sparse-gib",
            "20");
    JsonNode report = new ObjectMapper().readTree(result.ok().out());

    for (String wrong : new String[] {"leaked_blocks", "double_allocated_blocks", "wrong_bytes"}) {
      assertThat(report.at("/" + wrong).asLong(-1)).as(wrong + ": " + result.err()).isZero();
    }
    assertThat(report.at("/kills").asInt()).isEqualTo(2);
    assertThat(report.at("/changes").asInt()).isPositive();
    assertThat(report.at("/defrags").asInt()).isPositive();
    assertThat(report.at("/truncate_seconds").asDouble()).isPositive();
    assertThat(report.at("/truncate_entries").asDouble()).isBetween(1.0, 100.0);
    assertThat(directory).isEmptyDirectory();
    assertThat(MountTable.containing(directory)).isEmpty();
    assertThat(Shell.tryBash(directory, "pgrep -f " + directory).out()).isEmpty();
  }

  @Test
  void options_that_make_no_sense_are_refused() {
    assertThat(Shell.run(TRIAL, "--volume-mib", "1").oneLineError()).contains("--volume-mib");
  }
}
