package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountTable;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class QuickstartTest {
  private Path directory;
  private Path mount;
  private Path data;

  @BeforeEach
  void prepare() throws IOException {
    directory = Files.createTempDirectory("curvefs-quickstart");
    mount = directory.resolve("mount");
    data = directory.resolve("data");
  }

  @AfterEach
  void stop() throws IOException {
    Shell.run(Checkout.CURVEFS, "stop", "--data", data, "--purge");
    Files.deleteIfExists(mount);
    Files.delete(directory);
  }

  private String quickstart() {
    return Shell.run(Checkout.CURVEFS, "quickstart", "--mount", mount, "--data", data).ok().out();
  }

  @Test
  void it_starts_what_is_missing_and_measures_and_stop_ends_all_of_it() throws IOException {
    String first = quickstart();
    assertThat(first)
        .contains("S3 store     started", "metaserver   started", "mount        started")
        .containsPattern("\nwrite +\\d+ ")
        .containsPattern("\ncold +\\d+ ")
        .containsPattern("\nwarm, page cache +\\d+ ")
        .contains("curvefs stop --data " + data);
    assertThat(Shell.bash(mount, "find . -type f | wc -l").strip()).isEqualTo("1003");
    Files.writeString(mount.resolve("mine"), "kept");

    ProcessHandle process = ProcessHandle.of(MountHandle.containing(mount).pid()).orElseThrow();
    process.destroyForcibly();
    Mount.awaitEnd(process);
    String second = quickstart();
    assertThat(second)
        .contains("S3 store     runs already", "metaserver   runs already", "mount        started")
        .doesNotContainPattern("\nwrite +\\d+ ");
    assertThat(Files.readString(mount.resolve("mine"))).isEqualTo("kept");

    assertThat(Shell.run(Checkout.CURVEFS, "stop", "--data", data).ok().out())
        .contains("mount        unmounted", "metaserver   stopped", "S3 store     stopped");
    assertThat(MountTable.at(mount)).isEmpty();
    assertThat(Shell.tryBash(directory, "pgrep -f " + data).out()).isEmpty();
    assertThat(quickstart()).contains("'quickstart' exists");
    assertThat(Files.readString(mount.resolve("mine"))).isEqualTo("kept");

    Shell.run(Checkout.CURVEFS, "stop", "--data", data, "--purge").ok();
    assertThat(data).doesNotExist();
  }

  @Test
  void a_mount_point_with_files_in_it_is_left_alone() throws IOException {
    Files.createDirectory(mount);
    Path file = Files.writeString(mount.resolve("mine"), "mine");

    assertThat(
            Shell.run(Checkout.CURVEFS, "quickstart", "--mount", mount, "--data", data)
                .oneLineError())
        .contains(mount + " is not empty", "--mount");
    assertThat(Shell.tryBash(directory, "pgrep -f " + data).out()).isEmpty();
    Files.delete(file);
  }
}
