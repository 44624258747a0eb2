package io.curvefs.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FaultPointTest {
  /** What the process under test runs: passes a point so often as it is told. */
  static final class Passer {
    private Passer() {}

    public static void main(String[] arguments) {
      for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
        FaultPoint.BLOCKS_WRITTEN.reached();
        FaultPoint.BLOCKS_RESERVED.reached();
      }
    }
  }

  private static int exitOfPassing(String setting, int times)
      throws IOException, InterruptedException {
    ProcessBuilder passer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Passer.class.getName(),
                Integer.toString(times))
            .inheritIO();
    passer.environment().put(FaultPoint.VARIABLE, setting);
    Process process = passer.start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void a_process_dies_when_it_has_reached_its_point_so_often_and_not_before()
      throws IOException, InterruptedException {
    assertThat(exitOfPassing("BLOCKS_RESERVED:3", 3)).isEqualTo(FaultPoint.EXIT_STATUS);
    assertThat(exitOfPassing("BLOCKS_RESERVED:3", 2)).isZero();
    assertThat(exitOfPassing("DEVICES_FLUSHED", 3)).isZero();
  }

  @Test
  void nothing_is_set_without_the_variable() {
    assertThat(FaultPoint.parse(null)).isNull();
    assertThat(FaultPoint.parse("")).isNull();
    assertThat(FaultPoint.parse("drop_applied"))
        .isEqualTo(new FaultPoint.Setting(FaultPoint.DROP_APPLIED, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"NOWHERE", "BLOCKS_RESERVED:0", "BLOCKS_RESERVED:x", ":", "RESERVE:1:2"})
  void a_setting_that_means_nothing_is_refused(String setting) {
    assertThatThrownBy(() -> FaultPoint.parse(setting))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(setting)
        .hasMessageContaining("DROP_APPLIED");
  }
}
