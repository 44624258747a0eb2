package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.mount.MountTable;
import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The benchmark of epochs, on a small set: what it counts, not how fast it is. */
class EpochsTest {
  private static final Path EPOCHS = Checkout.HOME.resolve("bench/epochs");
  private static final int FILES = 200;

  @TempDir private Path directory;

  private Object[] command() {
    return new Object[] {
      EPOCHS,
      "--json",
      "--data",
      directory.resolve("data"),
      "--files",
      FILES,
      "--large-files",
      2,
      "--large-size",
      "8M",
      "--rounds",
      1
    };
  }

  @Test
  void the_second_host_and_warm_epochs_ask_s3_for_nothing_and_every_byte_is_right()
      throws IOException {
    JsonNode report = new ObjectMapper().readTree(Shell.run(command()).ok().out());

    assertThat(report.at("/files").asInt()).isEqualTo(FILES);
    assertThat(report.at("/bytes").asLong()).isGreaterThan(2 * (8L << 20) + FILES * (4L << 10));
    assertThat(report.at("/wrong_bytes").asLong(-1)).isZero();
    assertThat(report.at("/cold_s3_gets").asInt()).isEqualTo(FILES);
    for (String workload : List.of("", "records_", "shards_")) {
      assertThat(report.at("/" + workload + "second_host_s3_gets").asInt(-1)).isZero();
      assertThat(report.at("/" + workload + "warm_epoch_s3_gets").asInt(-1)).isZero();
      for (String ratio : List.of("second_host_speedup", "warmup_ahead_ratio", "warm_disk_ratio")) {
        assertThat(report.at("/" + workload + ratio).asDouble()).as(ratio).isPositive();
      }
    }
    assertNothingRemains();
  }

  @Test
  void a_run_that_is_stopped_leaves_nothing_behind() throws IOException {
    Path log = directory.resolve("log");
    Process process =
        Checkout.process(Stream.of(command()).map(Object::toString).toList())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    Await.until(
        "the data set on a mount",
        Duration.ofSeconds(120),
        () -> Files.readString(log).contains("written to the local directory"));

    process.destroy(); // SIGTERM, as SIGINT may be ignored where tests run in the background

    Await.until("its end", Duration.ofSeconds(60), () -> !process.isAlive());
    Files.delete(log);
    assertNothingRemains();
  }

  @Test
  void a_directory_with_files_in_it_is_left_alone() throws IOException {
    Path file =
        Files.writeString(Files.createDirectory(directory.resolve("data")).resolve("mine"), "");

    assertThat(Shell.run(command()).oneLineError()).contains("is not empty", "--data");
    assertThat(file).exists();
  }

  private void assertNothingRemains() throws IOException {
    assertThat(directory).isEmptyDirectory();
    assertThat(MountTable.containing(directory)).isEmpty();
    assertThat(Shell.tryBash(directory, "pgrep -f " + directory).out()).isEmpty();
  }
}
