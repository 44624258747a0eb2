package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NewFileTest {
  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(ints = {1, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 1_052_672, 4 << 20})
  void a_file_holds_exactly_what_was_written(int length) throws Exception {
    assertWritten(directory.resolve("file"), length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/dev/shm", "/tmp"})
  void a_file_is_written_wherever_the_directory_lies(String where) throws Exception {
    Path own = Files.createTempDirectory(Path.of(where), "curvefs-new-file");
    try {
      assertWritten(own.resolve("file"), (2 << 20) + 77);
    } finally {
      Files.deleteIfExists(own.resolve("file"));
      Files.delete(own);
    }
  }

  private static void assertWritten(Path file, int length) throws Exception {
    byte[] content = new byte[length];
    new Random(length).nextBytes(content);
    byte[] tail = new byte[1072];
    new Random(7).nextBytes(tail);
    NewFile newFile =
        new NewFile(
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    ByteBuffer source = ByteBuffer.wrap(content);
    PagedBytes pages =
        PagedBytes.fill(
            new PagePool(8 << 20),
            length,
            Duration.ofSeconds(1),
            into ->
                into.forEach(
                    part -> {
                      int count = part.remaining();
                      part.put(source.slice(source.position(), count));
                      source.position(source.position() + count);
                    }));

    newFile.write(file, pages.buffers(), ByteBuffer.wrap(tail));

    byte[] read = Files.readAllBytes(file);
    assertThat(read).hasSize(length + tail.length).startsWith(content).endsWith(tail);
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }
}
