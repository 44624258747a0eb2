package io.curvefs.client.accesslog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AccessLogTest {
  @TempDir private Path dir;

  private static AccessRecord access(int number) {
    return new AccessRecord(
        Instant.EPOCH, 0, 0, 1, "read", number, "4096 B at 0", AccessRecord.OK, 10);
  }

  @Test
  void every_record_is_a_line_in_order_and_only_the_owner_may_read_it() throws IOException {
    Path file = dir.resolve("log");
    AccessLog log = AccessLog.open(file);
    for (int i = 0; i < 1000; i++) {
      log.add(access(i));
    }
    log.close();
    assertThat(log.lines()).isEqualTo(1000);
    assertThat(log.dropped()).isZero();
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(1000);
    assertThat(AccessRecord.parse(lines.get(999))).contains(access(999));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void who_adds_never_waits_for_a_disk_that_hangs_and_what_is_dropped_is_counted()
      throws IOException {
    CountDownLatch hanging = new CountDownLatch(1);
    AccessLog log =
        new AccessLog(
            dir.resolve("log"),
            1 << 30,
            file ->
                new OutputStream() {
                  @Override
                  public void write(int b) throws IOException {
                    try {
                      hanging.await();
                    } catch (InterruptedException e) {
                      throw new IOException(e);
                    }
                  }

                  @Override
                  public void write(byte[] bytes) throws IOException {
                    write(0);
                  }
                });
    int more = 100;
    int added = 2 * AccessLog.QUEUE_MAX + more;
    for (int i = 0; i < added; i++) {
      log.add(access(i));
    }
    assertThat(log.dropped()).isBetween((long) more, (long) added - AccessLog.QUEUE_MAX);
    hanging.countDown();
    log.close();
    assertThat(log.lines() + log.dropped()).isEqualTo(added);
    assertThat(log.lines()).isGreaterThanOrEqualTo(AccessLog.QUEUE_MAX);
  }

  @Test
  void a_disk_that_is_full_costs_lines_and_nothing_else() throws IOException {
    AccessLog log = AccessLog.open(Path.of("/dev/full"));
    log.add(access(1));
    log.close();
    assertThat(log.lines()).isZero();
    assertThat(log.dropped()).isEqualTo(1);
  }

  @Test
  void a_full_file_makes_way_and_one_old_one_is_kept() throws IOException {
    Path file = dir.resolve("log");
    int bytes = access(1).toString().length() + 1;
    try (AccessLog log = new AccessLog(file, 10L * bytes, AccessLogTest::append)) {
      for (int i = 0; i < 10; i++) {
        log.add(access(1000 + i));
        awaitLines(log, i + 1);
      }
      for (int i = 0; i < 3; i++) {
        log.add(access(2000 + i));
      }
      awaitLines(log, 13);
    }
    assertThat(Files.readAllLines(dir.resolve("log.1")).size() + Files.readAllLines(file).size())
        .isEqualTo(13);
    try (var files = Files.list(dir)) {
      assertThat(files).hasSize(2);
    }
  }

  private static OutputStream append(Path file) throws IOException {
    return Channels.newOutputStream(
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  private static void awaitLines(AccessLog log, long lines) {
    while (log.lines() < lines) {
      Thread.onSpinWait();
    }
  }

  @Test
  void a_file_that_cannot_be_written_is_refused_at_once() {
    assertThatThrownBy(() -> AccessLog.open(dir.resolve("absent/log")))
        .isInstanceOf(IOException.class);
  }

  @Test
  void a_tail_begins_at_the_end_and_goes_on_in_the_file_that_takes_its_place() throws IOException {
    Path file = dir.resolve("log");
    Files.writeString(file, "old\n");
    List<String> seen = new ArrayList<>();
    try (AccessLogTail tail = AccessLogTail.open(file)) {
      tail.read(seen::add);
      Files.writeString(file, "one\ntw", StandardOpenOption.APPEND);
      tail.read(seen::add);
      assertThat(seen).containsExactly("one");
      Files.writeString(file, "o\nthree\n", StandardOpenOption.APPEND);
      Files.move(file, dir.resolve("log.1"));
      tail.read(seen::add);
      assertThat(seen).containsExactly("one", "two", "three");
      Files.writeString(file, "four\n");
      tail.read(seen::add);
      tail.read(seen::add);
    }
    assertThat(seen).containsExactly("one", "two", "three", "four");
  }
}
