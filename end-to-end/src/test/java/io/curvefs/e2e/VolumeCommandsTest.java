package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.SharedCluster;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** File systems on volumes come and go, and nothing is formatted that somebody may need. */
@Timeout(180)
class VolumeCommandsTest {
  private static final Duration GONE_MAX = Duration.ofSeconds(30);
  private static final long MIB = 1 << 20;

  private static Cluster cluster;
  private static String onBucket;

  @TempDir private Path dir;

  @BeforeAll
  static void start() {
    cluster = SharedCluster.get();
    onBucket = SharedCluster.newFileSystem();
  }

  private Path file(String name, long bytes) throws IOException {
    Path file = dir.resolve(name);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(bytes);
    }
    return file;
  }

  private static byte[] beginning(Path file) throws IOException {
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "r")) {
      byte[] bytes = new byte[(int) MIB];
      opened.readFully(bytes);
      return bytes;
    }
  }

  private static void restore(Path file, byte[] beginning) throws IOException {
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
      opened.write(beginning);
    }
  }

  private static void requireBlank(Path file) throws IOException {
    assertThat(beginning(file)).containsOnly((byte) 0);
  }

  private static String uri(Path file) {
    return "file://" + file;
  }

  private static String createError(String name, Object... arguments) {
    Object[] all = new Object[arguments.length + 2];
    all[0] = "create";
    all[1] = name;
    System.arraycopy(arguments, 0, all, 2, arguments.length);
    return cluster.fs(all).oneLineError();
  }

  private static void awaitGone(String name) {
    Await.until(name + " is gone", GONE_MAX, () -> !cluster.fs("list").ok().out().contains(name));
  }

  @Test
  void volumes_are_formatted_added_expanded_and_wiped() throws IOException {
    Path one = file("one", 200 * MIB);
    Path two = file("two", 129 * MIB);
    Path three = file("three", 300 * MIB);
    String both = uri(one) + "," + uri(two);
    assertThat(cluster.fs("create", "vol-life", "--volume", both).ok().out())
        .contains("created 'vol-life'", uri(one), "329.0 MiB");
    assertThat(cluster.fs("create", "vol-life", "--volume", both).ok().out())
        .contains("there already");
    assertThat(createError("vol-life", "--volume", uri(one)))
        .contains("choose another name", "curvefs volume add");
    assertThat(cluster.fs("info", "vol-life").ok().out()).contains(both.replace(",", ", "), "60");

    assertThat(cluster.volume("add", "vol-life", uri(three), "--poolset", "ssd").ok().out())
        .contains("1 more volume");
    assertThat(cluster.volume("add", "vol-life", uri(three)).ok().out()).contains("already");
    assertThat(cluster.volume("expand", "vol-life", 2).ok().out()).contains("has not grown");
    file("two", 257 * MIB);
    assertThat(cluster.volume("expand", "vol-life", uri(two)).ok().out())
        .contains("volume 2", "256.0 MiB now", "128.0 MiB");
    assertThat(cluster.volume("expand", "vol-life", 9).oneLineError())
        .contains("no volume 9", "curvefs volume list");
    assertThat(cluster.volume("list", "vol-life").ok().out())
        .containsSubsequence("1", "default", "199.0 MiB", "256.0 MiB", "ssd", "299.0 MiB");

    cluster.fs("delete", "vol-life", "--yes").ok();
    requireBlank(one);
    requireBlank(three);
    awaitGone("vol-life");
    cluster.fs("create", "vol-again", "--volume", uri(one)).ok();
    cluster.fs("delete", "vol-again", "--yes").ok();
  }

  @Test
  void devices_that_somebody_may_need_are_not_formatted() throws IOException {
    Path used = file("used", 130 * MIB);
    restore(used, "somebody's bytes".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    byte[] before = beginning(used);
    assertThat(createError("vol-used", "--volume", uri(used))).contains(uri(used), "--force");
    assertThat(beginning(used)).isEqualTo(before);
    cluster.fs("create", "vol-used", "--volume", uri(used), "--force").ok();

    byte[] header = beginning(used);
    assertThat(createError("vol-thief", "--volume", uri(used), "--force"))
        .contains("volume 1 of file system 'vol-used'", "delete that file system first");
    Path other = file("other", 130 * MIB);
    assertThat(cluster.volume("add", "vol-used", uri(other) + "," + uri(used) + "/../used").exit())
        .isNotZero();
    Path link = Files.createSymbolicLink(dir.resolve("link"), used);
    assertThat(cluster.volume("add", "vol-used", uri(link), "--force").oneLineError())
        .contains("volume 1 of file system 'vol-used'");
    assertThat(beginning(used)).isEqualTo(header);
    Path otherLink = Files.createSymbolicLink(dir.resolve("otherLink"), other);
    assertThat(createError("vol-twice", "--volume", uri(other) + "," + uri(otherLink)))
        .contains("is the same device as");
    requireBlank(other);
    cluster.fs("delete", "vol-used", "--yes").ok();
  }

  @Test
  void headers_of_an_attempt_that_failed_are_taken_back_and_those_of_one_that_died_are_known()
      throws IOException {
    Path device = file("device", 130 * MIB);
    assertThat(createError("Bad_Name", "--volume", uri(device))).contains("lower-case");
    requireBlank(device);
    assertThat(createError("vol-q", "--volume", uri(device), "--quarantine", "0"))
        .contains("--quarantine");
    requireBlank(device);

    cluster.fs("create", "vol-died", "--volume", uri(device)).ok();
    byte[] header = beginning(device);
    cluster.fs("delete", "vol-died", "--yes").ok();
    awaitGone("vol-died");
    restore(device, header);
    assertThat(createError("vol-other", "--volume", uri(device))).contains("--force");
    cluster.fs("create", "vol-died", "--volume", uri(device)).ok();
    Files.delete(device);
    assertThat(cluster.fs("delete", "vol-died", "--yes").err()).contains(uri(device), "--force");
  }

  @Test
  void what_is_wrong_with_a_command_is_said_with_the_remedy() throws IOException {
    assertThat(createError("vol-bad")).contains("--bucket or --volume");
    assertThat(createError("vol-bad", "--bucket", "b", "--volume", "file:///x"))
        .contains("--bucket or --volume");
    assertThat(createError("vol-bad", "--volume", "nonsense")).contains("'nonsense'", "nbd://");
    assertThat(createError("vol-bad", "--volume", uri(dir.resolve("absent")))).contains("absent");
    assertThat(createError("vol-bad", "--volume", uri(file("small", 100 * MIB))))
        .contains("100.0 MiB", "at least 129.0 MiB");
    assertThat(createError("vol-bad", "--volume", "file:///x,file:///x")).isNotEmpty();

    assertThat(cluster.volume("list", onBucket).oneLineError()).contains("not on volumes");
    assertThat(cluster.volume("add", onBucket, "file:///x").oneLineError()).contains("a bucket");
    assertThat(cluster.volume("expand", onBucket).oneLineError()).contains("nothing to expand");
    assertThat(cluster.volume("usage", onBucket).oneLineError()).contains("not on volumes");
    assertThat(cluster.volume("defrag", onBucket).oneLineError()).contains("not on volumes");
    assertThat(cluster.volume("defrag", "nosuch").oneLineError()).contains("'nosuch'");
    assertThat(cluster.volume("defrag", "nosuch", "--bandwidth", "fast").oneLineError())
        .contains("--bandwidth=fast");
    assertThat(cluster.fsck(onBucket).oneLineError()).contains("fsck checks volumes only");
    assertThat(cluster.volume("list", "nosuch").oneLineError()).contains("no file system 'nosuch'");
  }
}
