package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

class BenchTest {
  @TempDir private Path local;

  private static Shell.Result bench(Object... arguments) {
    List<Object> command = new ArrayList<>(List.of(Checkout.CURVEFS, "bench"));
    command.addAll(List.of(arguments));
    command.addAll(
        List.of("--rounds", 1, "--big-file-size", "8M", "--small-files", 20, "--threads", 2));
    return Shell.run(command.toArray());
  }

  @Test
  void a_mount_is_measured_beside_a_directory_and_its_bucket_and_nothing_remains()
      throws IOException {
    Mount mount = SharedCluster.get().mount(SharedCluster.newFileSystem());

    String json =
        bench(
                mount.root(),
                "--baseline",
                local,
                "--s3-baseline",
                "--access-key",
                Cluster.ACCESS_KEY,
                "--secret-key",
                Cluster.SECRET_KEY,
                "--json")
            .ok()
            .out();

    JsonNode report = new ObjectMapper().readTree(json);
    JsonNode write = report.at("/directory/items/0");
    assertThat(write.at("/item").asString()).isEqualTo("big_write");
    assertThat(write.at("/threads").asInt()).isEqualTo(1);
    assertThat(write.at("/bytes_per_second").asDouble()).isPositive();
    assertThat(write.at("/ratio_to_baseline").asDouble()).isPositive();
    assertThat(write.at("/ratio_to_raw_s3").asDouble()).isPositive();
    assertThat(write.at("/s3_requests/put").asDouble()).isEqualTo(2);
    assertThat(report.at("/mount_process/resident_bytes_peak").asLong()).isPositive();
    assertThat(report.at("/baseline/caches_dropped_by").asString()).isEqualTo("posix_fadvise");
    assertEmpty(mount.root());
    assertEmpty(local);
    mount.unmount();
  }

  @Test
  void any_directory_is_measured() throws IOException {
    assertThat(bench(local).ok().out())
        .contains("big file: write, fsync, close", "small files: delete", local.toString());
    assertEmpty(local);
  }

  private static void assertEmpty(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).isEmpty();
    }
  }
}
