package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CacheDirectoryTest {
  private static final UUID NAMESPACE = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

  @TempDir Path parent;

  @Test
  void the_names_of_files_are_frozen() throws IOException {
    Path cache = parent.resolve("a/b");
    assertThat(CacheDirectory.open(cache, NAMESPACE).pathOf(new BlockId(0x1fe, 3, 4096)))
        .isEqualTo(cache.resolve("00112233-4455-6677-8899-aabbccddeeff/blocks/01/510_3_4096"));
  }

  @Property(tries = 200)
  void the_name_of_a_block_names_it(
      @ForAll @LongRange long slice,
      @ForAll @IntRange(max = Integer.MAX_VALUE) int index,
      @ForAll @IntRange(min = 1, max = BlockId.BYTES_MAX) int length) {
    BlockId id = new BlockId(slice & Long.MAX_VALUE, index, length);
    assertThat(CacheDirectory.blockNamed(id.toString())).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "1_2",
        "1_2_0",
        "1_2_4194305",
        "01_2_3",
        "-1_2_3",
        "1_2_3.tmp",
        "9999999999999999999_1_1",
        "1_9999999999_1",
        "1_2_3_4",
        "../1_2_3"
      })
  void other_names_name_no_block(String name) {
    assertThat(CacheDirectory.blockNamed(name)).isNull();
  }

  @Test
  void a_symbolic_link_is_refused() throws IOException {
    Path real = Files.createDirectory(parent.resolve("real"), owner());
    Path link = Files.createSymbolicLink(parent.resolve("link"), real);
    assertRefused(link, "is a symbolic link: give the directory that it points to");
    Files.createSymbolicLink(real.resolve(NAMESPACE.toString()), parent);
    assertRefused(real, "is a symbolic link");
  }

  @Test
  void a_dangling_link_and_a_file_are_refused() throws IOException {
    assertRefused(
        Files.createSymbolicLink(parent.resolve("link"), parent.resolve("gone")), "symbolic link");
    assertRefused(Files.createFile(parent.resolve("file")), "is not a directory: choose another");
  }

  @Test
  void a_directory_of_another_user_is_refused() throws IOException {
    TierFixture.requireRoot();
    Path foreign = Files.createDirectory(parent.resolve("foreign"), owner());
    Files.setAttribute(foreign, "unix:uid", 12345);
    assertRefused(foreign, "belongs to user 12345, not to");
  }

  @Test
  void a_directory_that_others_may_write_to_is_refused() throws IOException {
    Path open = Files.createDirectory(parent.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxr-x"));
    assertRefused(open, "is writable by other users: chmod 700 it, or choose another");
  }

  private static void assertRefused(Path directory, String why) {
    assertThatThrownBy(() -> CacheDirectory.open(directory, NAMESPACE))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("cache directory " + directory)
        .hasMessageContaining(why)
        .extracting(Throwable::getMessage)
        .asString()
        .doesNotContain("\n");
  }

  private static FileAttribute<?> owner() {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  }
}
