package io.curvefs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What 'curvefs warmup' refuses before it looks for a mount. */
class WarmupOptionsTest {
  private static String refusal(String... arguments) {
    PrintStream before = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (PrintStream err = new PrintStream(said, true, StandardCharsets.UTF_8)) {
      System.setErr(err);
      assertThat(Curvefs.run(arguments)).isNotZero();
    } finally {
      System.setErr(before);
    }
    return said.toString(StandardCharsets.UTF_8);
  }

  @Test
  void a_window_of_nothing_is_no_window() {
    assertThat(refusal("warmup", "add", "--order", "none", "--window", "0"))
        .isEqualTo("curvefs: option --window must be above 0\n");
  }
}
