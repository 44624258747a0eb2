package io.curvefs.client.warmup;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.pace.Bandwidth;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What jobs keep on disk, and how fast they may be. */
class WarmupFilesTest {
  @TempDir private Path directory;

  private static Entry entry(int i) {
    return new Entry(
        Entry.Kind.FILE,
        ByteString.copyFrom(new byte[] {'/', (byte) 0xff, '\n', (byte) i}),
        ByteString.EMPTY,
        "größer",
        i,
        7);
  }

  @Test
  void entries_come_back_page_by_page_whatever_bytes_they_have() throws Exception {
    Path path = directory.resolve("entries");
    List<Entry> written = new ArrayList<>();
    try (EntryFile file = new EntryFile(path, 10_000)) {
      file.clear();
      for (int i = 0; i < 100; i++) {
        written.add(entry(i));
        file.append(entry(i));
      }
      List<Entry> read = new ArrayList<>();
      EntryFile.Page page = EntryFile.page(path, 0, 300);
      while (true) {
        read.addAll(page.entries());
        if (page.next() == 0) {
          break;
        }
        assertThat(page.entries()).hasSizeBetween(1, 8);
        page = EntryFile.page(path, page.next(), 300);
      }
      assertThat(read).isEqualTo(written);
      file.moveTo(directory.resolve("moved"));
    }
    List<Entry> moved = new ArrayList<>();
    EntryFile.forEach(directory.resolve("moved"), moved::add);
    assertThat(moved).isEqualTo(written);
    assertThat(EntryFile.page(path, 0, 300).entries()).isEmpty();
  }

  @Test
  void a_torn_entry_ends_its_file_and_what_is_too_much_is_counted() throws Exception {
    Path path = directory.resolve("entries");
    try (EntryFile file = new EntryFile(path, 120)) {
      file.clear();
      file.append(entry(1));
      file.append(entry(2));
      file.append(entry(3));
      assertThat(file.left()).isEqualTo(1);
    }
    byte[] bytes = Files.readAllBytes(path);
    Files.write(path, java.util.Arrays.copyOf(bytes, bytes.length - 3));
    assertThat(EntryFile.page(path, 0, 300).entries()).containsExactly(entry(1));
    assertThat(EntryFile.page(directory.resolve("none"), 0, 300).entries()).isEmpty();
  }

  @Test
  void what_a_full_disk_takes_no_more_is_counted_and_the_rest_can_be_read() throws Exception {
    Path path = directory.resolve("entries");
    int[] writes = {0};
    EntryFile.Opener filling =
        file ->
            new FilterOutputStream(Files.newOutputStream(file)) {
              @Override
              public void write(byte[] bytes, int from, int count) throws IOException {
                if (++writes[0] == 4) { // the magic, two entries, and this one
                  out.write(bytes, from, count / 2);
                  throw new IOException("No space left on device");
                }
                out.write(bytes, from, count);
              }
            };
    try (EntryFile failed = new EntryFile(path, 10_000, filling);
        EntryFile skipped = new EntryFile(directory.resolve("skipped"), 10_000)) {
      failed.clear();
      skipped.clear();
      Outcomes outcomes =
          new Outcomes(failed, skipped, new Outcomes.Counters(new SimpleMeterRegistry()));
      for (int i = 0; i < 5; i++) {
        outcomes.failed(entry(i));
      }
      assertThat(outcomes.filesFailed).hasValue(5);
      assertThat(outcomes.unnoted()).isEqualTo(3);
      assertThat(failed.left()).as("failures that a retry cannot find").isEqualTo(3);
      assertThat(EntryFile.page(path, 0, 300).entries()).containsExactly(entry(0), entry(1));
    }
  }

  @Test
  void the_format_of_a_saved_job_is_frozen_and_damage_is_found() throws IOException {
    String json =
        "{\"status\":{\"id\":7,\"request\":{\"kind\":\"ADD\",\"title\":\"/d\",\"storage\":"
            + "\"BOTH\",\"threads\":16,\"bytesPerSecond\":0,\"pin\":true,\"force\":false,"
            + "\"share\":{\"host\":1,\"hosts\":2},\"windowBytes\":0},\"state\":\"WAITING\","
            + "\"createdSeconds\":1,\"endedSeconds\":0,\"runningMillis\":0,\"filesTotal\":0,"
            + "\"bytesTotal\":0,\"filesCached\":0,\"bytesDone\":0,\"bytesMoved\":0,"
            + "\"filesFailed\":0,\"filesSkipped\":0,\"message\":\"\",\"tiers\":[]},\"origin\":3}";
    java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
    crc.update(json.getBytes(StandardCharsets.UTF_8));
    Path file = directory.resolve("7.job");
    Files.writeString(file, "curvefs-warmup-job 1 %08x\n%s".formatted(crc.getValue(), json));

    SavedJob job = JobStore.read(file);
    assertThat(job.origin()).isEqualTo(3);
    assertThat(job.status().request().share()).isEqualTo(new Share(1, 2));
    assertThat(job.status().request().storage()).isEqualTo(Storage.BOTH);

    try (JobStore store = JobStore.open(directory)) {
      store.save(job);
      assertThat(store.load()).containsExactly(job);
      assertThat(store.nextId()).isEqualTo(8);
      assertThat(store.nextId()).isEqualTo(9);
      Files.writeString(file, Files.readString(file).replace("\"id\":7", "\"id\":8"));
      assertThat(store.load()).isEmpty();
      assertThat(file).doesNotExist();
    }
  }

  private SavedJob saved(int id) {
    return new SavedJob(
        new JobStatus(
            id,
            JobRequest.of(JobKind.ADD, "/d", Storage.DISK),
            JobState.WAITING,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            "",
            List.of()),
        0);
  }

  @Test
  void the_list_of_a_job_is_on_the_disk_before_the_job_is() throws IOException {
    List<String> forced = new ArrayList<>();
    Path jobs = directory.resolve("jobs");
    try (JobStore store =
        JobStore.open(
            jobs,
            path -> forced.add(path.getFileName() + " " + Files.exists(jobs.resolve("7.job"))))) {
      Files.writeString(store.upload("t"), "/d\0");
      store.take("t", 7);
      store.save(saved(7));
      assertThat(forced).containsExactly("upload-t false", "7.job.tmp false", "jobs true");
      assertThat(store.part(7, JobStore.Part.LIST)).hasContent("/d\0");
    }
  }

  @Test
  void a_job_that_cannot_be_read_now_is_kept_and_what_is_of_no_job_is_deleted() throws IOException {
    Files.createDirectory(directory.resolve("7.job")); // reading it fails
    for (String name : List.of("3.list", "4.failed", "5.job.tmp", "upload-t", "7.list", "8.list")) {
      Files.writeString(directory.resolve(name), name);
    }
    Files.writeString(directory.resolve("8.job"), "damaged");
    try (JobStore store = JobStore.open(directory)) {
      assertThat(store.load()).isEmpty();
      assertThat(store.nextId()).isEqualTo(8);
    }
    try (var left = Files.list(directory)) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder("7.job", "7.list", "lock", "next");
    }
  }

  @Test
  void bytes_are_paid_for_in_time() throws InterruptedException {
    long[] now = {0};
    Bandwidth bandwidth = new Bandwidth(1000, () -> now[0], nanos -> now[0] += nanos);
    for (int i = 0; i < 10; i++) {
      bandwidth.spent(500);
    }
    assertThat(now[0]).isBetween(4_800_000_000L, 5_000_000_000L);

    now[0] += 1_000_000_000_000L; // a long pause gives no more than a little credit
    long before = now[0];
    bandwidth.spent(5000);
    assertThat(now[0] - before).isBetween(4_800_000_000L, 5_000_000_000L);

    new Bandwidth(0, () -> now[0], nanos -> now[0] += nanos).spent(Long.MAX_VALUE);
    assertThat(now[0] - before).isLessThan(5_000_000_001L);
  }
}
