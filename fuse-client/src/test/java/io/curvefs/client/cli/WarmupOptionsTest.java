package io.curvefs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.client.warmup.JobKind;
import io.curvefs.client.warmup.JobRequest;
import io.curvefs.client.warmup.JobState;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.Storage;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
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
  void a_look_that_broke_has_counted_nothing() {
    JobStatus broken =
        new JobStatus(
            7,
            JobRequest.of(JobKind.CHECK, "/", Storage.BOTH),
            JobState.BROKEN,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            "the disk is full",
            List.of());
    assertThatThrownBy(() -> WarmupLook.requireDone(broken))
        .hasMessage("job 7 is broken: the disk is full");
  }

  @Test
  void a_window_of_nothing_is_no_window() {
    assertThat(refusal("warmup", "add", "--order", "none", "--window", "0"))
        .isEqualTo("curvefs: option --window must be above 0\n");
  }
}
