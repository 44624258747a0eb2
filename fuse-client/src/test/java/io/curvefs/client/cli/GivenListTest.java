package io.curvefs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A list is the same each time it is read, wherever it comes from. */
@Timeout(60)
class GivenListTest {
  private static final String PATHS = "/a\n/b\n".repeat(100_000);

  @TempDir private Path directory;

  private static String read(GivenList list) throws IOException {
    return new String(list.fromTheBeginning().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void a_pipe_that_is_written_once_is_read_twice() throws Exception {
    Path pipe = directory.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    CompletableFuture<Void> writer =
        CompletableFuture.runAsync(
            () -> {
              try {
                Files.writeString(pipe, PATHS);
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    try (GivenList list = GivenList.open(pipe.toString())) {
      writer.join();
      assertThat(read(list)).isEqualTo(PATHS);
      assertThat(read(list)).isEqualTo(PATHS);
    }
  }

  @Test
  void a_file_is_read_twice_also_when_only_its_beginning_was_looked_at() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), PATHS);
    try (GivenList list = GivenList.open(file.toString())) {
      assertThat(list.fromTheBeginning().read()).isEqualTo('/');
      assertThat(read(list)).isEqualTo(PATHS);
    }
  }
}
