package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two hosts' mounts of one file system: what one has closed, the other sees when it opens. */
@Timeout(300)
@Tag("volumes")
class TwoMountsTest {
  private static Mount here;
  private static Mount there;

  @BeforeAll
  static void mount() {
    String fileSystem = SharedCluster.newFileSystem();
    here = SharedCluster.get().mount(fileSystem);
    there = SharedCluster.get().mount(fileSystem);
  }

  @AfterAll
  static void unmount() {
    here.unmount();
    there.unmount();
  }

  @Test
  void a_file_is_seen_whole_as_soon_as_it_is_closed() throws IOException {
    for (int round = 0; round < 50; round++) {
      byte[] content = new byte[1 + round * 40_000];
      Arrays.fill(content, (byte) round);
      Files.write(here.path("closed"), content);
      assertThat(Files.readAllBytes(there.path("closed"))).as("round %d", round).isEqualTo(content);
    }
  }

  @Test
  void growing_and_shrinking_are_seen_at_the_next_open_whatever_was_cached() throws IOException {
    Path ours = here.path("changing");
    Path theirs = there.path("changing");
    for (int round = 0; round < 30; round++) {
      String content = "round " + round + "x".repeat((round * 7919) % 20_000);
      Files.writeString(ours, content);
      assertThat(Files.readString(theirs)).as("round %d", round).isEqualTo(content);
      Files.writeString(theirs, "tail " + round, StandardOpenOption.APPEND);
      assertThat(Files.readString(ours)).as("back %d", round).isEqualTo(content + "tail " + round);
    }
  }

  @Test
  void appends_of_both_in_turn_follow_each_other() throws IOException {
    StringBuilder expected = new StringBuilder();
    for (int round = 0; round < 40; round++) {
      String part = round + ";";
      expected.append(part);
      // As a shell does it: nobody looks at the file before.
      Shell.bash((round % 2 == 0 ? here : there).root(), "printf '%s' '" + part + "' >> turns");
      if (round % 10 == 9) {
        Shell.bash((round % 20 == 9 ? here : there).root(), "truncate -s 0 turns");
        expected.setLength(0);
      }
    }
    Shell.bash(here.root(), "printf end >> turns");
    assertThat(Files.readString(there.path("turns"))).isEqualTo(expected + "end");
  }

  @Test
  void a_reader_that_follows_a_growing_file_never_sees_zeros() throws Exception {
    Path log = here.path("log");
    Files.createFile(log);
    Thread writer =
        new Thread(
            () -> {
              for (int i = 0; i < 150; i++) {
                try {
                  Files.write(log, new byte[] {'a', 'b', 'c', 'd'}, StandardOpenOption.APPEND);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }
            });
    writer.start();
    int longest = 0;
    while (longest < 600) {
      byte[] read = Files.readAllBytes(there.path("log"));
      assertThat(read.length).isGreaterThanOrEqualTo(longest);
      for (int i = 0; i < read.length; i++) {
        assertThat(read[i]).as("byte %d of %d", i, read.length).isEqualTo((byte) ('a' + i % 4));
      }
      longest = read.length;
    }
    writer.join();
  }

  @Test
  void a_file_unlinked_there_stays_readable_here_until_it_is_closed() throws IOException {
    byte[] content = new byte[300_000];
    Arrays.fill(content, (byte) 'k');
    Files.write(here.path("kept"), content);
    here.dropCaches();
    try (InputStream open = Files.newInputStream(here.path("kept"))) {
      assertThat(open.read()).isEqualTo('k');
      Files.delete(there.path("kept"));
      here.dropCaches();
      assertThat(open.readAllBytes()).hasSize(content.length - 1);
    }
    long stored = stored();
    Await.until("the content's end", Duration.ofSeconds(30), () -> stored() < stored);
  }

  /** Objects, or bytes of files on the volume. */
  private static long stored() {
    return switch (Storage.CHOSEN) {
      case BUCKET -> SharedCluster.get().objects().size();
      case VOLUME -> SharedCluster.get().usage(here.fileSystem()).used();
    };
  }

  @Test
  void names_made_and_removed_there_are_seen_here_within_the_timeout() throws IOException {
    Path dir = Files.createDirectory(here.path("names"));
    Files.createFile(there.path("names/f"));
    assertThat(Files.exists(dir.resolve("f"))).isTrue();
    Files.delete(there.path("names/f"));
    Await.until("the name's end", Duration.ofSeconds(3), () -> !Files.exists(dir.resolve("f")));
    Files.move(there.path("names"), there.path("renamed"));
    Await.until("the new name", Duration.ofSeconds(3), () -> Files.exists(here.path("renamed")));
  }

  @Test
  void both_create_in_one_directory_and_no_name_is_lost_or_twice() {
    Shell.bash(here.root(), "mkdir both");
    String loop =
        "for i in $(seq 300); do (set -C; echo $0 > both/n$i) 2>/dev/null && echo won; done | wc -l";
    String script =
        "(cd %1$s; bash -c '%3$s' here) > /tmp/won1 & (cd %2$s; bash -c '%3$s' there) > /tmp/won2; wait;"
            + " cat /tmp/won1 /tmp/won2; rm /tmp/won1 /tmp/won2";
    String[] won =
        Shell.bash(here.root(), script.formatted(here.root(), there.root(), loop)).split("\n");

    assertThat(Integer.parseInt(won[0]) + Integer.parseInt(won[1])).isEqualTo(300);
    assertThat(Shell.bash(there.root(), "ls both | wc -l")).isEqualTo("300\n");
  }

  @Test
  void a_read_only_mount_and_a_sub_directory_show_what_they_say() throws IOException {
    Files.createDirectories(here.path("sub/dir"));
    Files.writeString(here.path("sub/dir/f"), "below");
    Mount sub = SharedCluster.get().mount(here.fileSystem(), "ro", "subdir=/sub/dir");
    try {
      assertThat(Files.readString(sub.path("f"))).isEqualTo("below");
      assertThat(Shell.bash(sub.root(), "ls -a")).isEqualTo(".\n..\nf\n");
      assertThatThrownBy(() -> Files.createFile(sub.path("g"))).hasMessageContaining("Read-only");
    } finally {
      sub.unmount();
    }
  }
}
