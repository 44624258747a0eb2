package io.curvefs.client.vfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalMount;
import io.curvefs.client.testing.LossySegments;
import io.curvefs.id.InodeId;
import io.curvefs.id.ServerId;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.fault.FaultyObjectStore;
import io.curvefs.objectstore.fault.FaultyObjectStore.Operation;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Extent;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.StagedBlocks;
import io.curvefs.proto.Timestamp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Write-back without a kernel: a mount with a journal, an object store that can be shut. */
@Timeout(120)
class WritebackVfsTest {
  private static final Caller CALLER = new Caller(1000, 1000);
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final MetaOptions SHORT_META =
      new MetaOptions(
          Duration.ofSeconds(1),
          Duration.ofSeconds(1),
          Duration.ZERO,
          Duration.ZERO,
          Duration.ofSeconds(3));
  private static LocalCluster cluster;
  private static int number;

  private String fileSystem;
  private LossySegments segments;
  private FaultyObjectStore objects;
  private LocalMount mount;
  private LocalMount other;

  @BeforeAll
  static void startCluster(@TempDir Path directory) throws IOException {
    cluster = LocalCluster.start(directory, 1, 2);
  }

  @AfterAll
  static void stopCluster() {
    cluster.close();
  }

  @BeforeEach
  void mount() throws IOException {
    fileSystem = "staged" + ++number;
    cluster.createFileSystem(fileSystem);
    segments = new LossySegments();
    mount = mounted(false);
    other = new LocalMount(cluster, fileSystem);
  }

  @AfterEach
  void unmount() throws IOException {
    mount.close();
    other.close();
  }

  private LocalMount mounted(boolean shut) throws IOException {
    return mounted(shut, MetaOptions.DEFAULTS, LONG);
  }

  private LocalMount mounted(boolean shut, MetaOptions options, Duration deadline)
      throws IOException {
    return new LocalMount(
        cluster,
        fileSystem,
        options,
        32 << 20,
        store -> {
          objects = new FaultyObjectStore(store, 1);
          if (shut) {
            shut();
          }
          return objects;
        },
        segments,
        deadline);
  }

  private void shut() {
    objects.failOften(Operation.PUT, 1, ObjectStoreException.Kind.UNREACHABLE);
  }

  /** The process dies; a new one on the same host takes its place. */
  private void crash(boolean shut) throws IOException {
    LossySegments left = segments.copy();
    segments.hang(false);
    mount.crash();
    segments = left;
    mount = mounted(shut);
  }

  /** The process dies; a new one finds the journal as it was before. */
  private void crashBackTo(LossySegments before) throws IOException {
    segments.failForces(false);
    segments.failCuts(false);
    mount.crash();
    segments = before;
    mount = mounted(false);
  }

  /** Nothing more can be made safe, nor taken back. */
  private void failJournalsDisk() {
    segments.failForces(true);
    segments.failCuts(true);
  }

  private void awaitUploaded() throws InterruptedException {
    objects.heal();
    assertThat(mount.data.awaitUploaded(LONG)).as("all is uploaded").isTrue();
  }

  private static void awaitThat(String what, Callable<Boolean> condition) throws Exception {
    long until = System.nanoTime() + LONG.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as(what).isLessThan(until);
      Thread.onSpinWait();
    }
  }

  private static boolean waitsForCommit(Thread thread) {
    return isIn(thread, "awaitCommitted");
  }

  private static boolean isIn(Thread thread, String method) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals(method));
  }

  private StagedUsage staged() {
    return mount.data.staged().orElseThrow();
  }

  private static ByteString name(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private InodeId write(String file, byte[] content) throws IOException {
    Vfs vfs = mount.vfs;
    Vfs.Opened opened = vfs.createOpen(CALLER, vfs.root(), name(file), 0644);
    InodeId inode = vfs.inodeOf(opened.handle());
    vfs.write(opened.handle(), 0, ByteBuffer.wrap(content));
    vfs.flush(opened.handle());
    vfs.release(opened.handle());
    return inode;
  }

  private void overwrite(InodeId inode, long offset, byte[] content) throws IOException {
    Vfs vfs = mount.vfs;
    Vfs.Opened opened = vfs.open(inode, Vfs.Access.WRITE);
    vfs.write(opened.handle(), offset, ByteBuffer.wrap(content));
    vfs.flush(opened.handle());
    vfs.release(opened.handle());
  }

  private static byte[] read(LocalMount where, InodeId inode) throws IOException {
    Vfs.Opened opened = where.vfs.open(inode, Vfs.Access.READ);
    try {
      where.vfs.attributes(inode);
      ByteBuffer dst = ByteBuffer.allocate(24 << 20);
      while (where.vfs.read(opened.handle(), dst.position(), dst) > 0) {}
      return Arrays.copyOf(dst.array(), dst.position());
    } finally {
      where.vfs.release(opened.handle());
    }
  }

  private static SetAttributes.Builder set(InodeId inode) {
    return SetAttributes.newBuilder().setInode(inode.value());
  }

  @Test
  void close_returns_while_the_object_store_is_gone_and_others_see_the_old_file_until_it_is_back()
      throws Exception {
    byte[] before = random(1, 100_000);
    InodeId old = write("old", before);
    awaitUploaded();
    assertThat(read(other, old)).isEqualTo(before);

    shut();
    byte[] after = random(2, 9_000_000);
    byte[] fresh = random(3, 70_000);
    overwrite(old, 0, after);
    InodeId added = write("new", fresh);
    assertThat(read(mount, old)).isEqualTo(after);
    assertThat(read(mount, added)).isEqualTo(fresh);
    assertThat(mount.vfs.attributes(added).length()).isEqualTo(70_000);
    mount.dropCaches();
    assertThat(read(mount, old)).as("from the journal").isEqualTo(after);
    assertThat(read(mount, added)).as("from the journal").isEqualTo(fresh);
    assertThat(read(other, old)).as("elsewhere, before the upload").isEqualTo(before);
    assertThat(read(other, added)).as("elsewhere, before the upload").isEmpty();
    assertThat(staged().files()).isEqualTo(2);
    assertThat(staged().bytes()).isEqualTo(9_070_000);
    awaitThat("a failed upload", () -> staged().failures() > 0);
    assertThat(staged().failure()).isNotNull();

    Attributes shown = mount.vfs.attributes(added);
    awaitUploaded();
    assertThat(read(other, old)).isEqualTo(after);
    assertThat(read(other, added)).isEqualTo(fresh);
    assertThat(staged().blocks()).isZero();
    Attributes committed = mount.vfs.attributes(added);
    assertThat(committed.ctimeSeconds()).isEqualTo(shown.ctimeSeconds());
    assertThat(committed.ctimeNanos())
        .as("to programs nothing changes")
        .isEqualTo(shown.ctimeNanos());
    assertThat(committed.mtimeNanos()).isEqualTo(shown.mtimeNanos());
    assertThat(staged().failure()).isNull();
    mount.dropCaches();
    assertThat(read(mount, old)).isEqualTo(after);
  }

  @Test
  void after_a_crash_the_next_mount_shows_what_was_acknowledged_and_uploads_it() throws Exception {
    InodeId old = write("old", random(1, 100_000));
    awaitUploaded();
    shut();
    byte[] content = random(2, 9_000_000);
    InodeId file = write("file", content);
    overwrite(old, 50_000, random(3, 20_000));
    byte[] expected = read(mount, old);

    crash(true);
    assertThat(read(mount, file)).isEqualTo(content);
    assertThat(read(mount, old)).isEqualTo(expected);
    assertThat(mount.vfs.attributes(file).length()).isEqualTo(9_000_000);
    assertThat(read(other, file)).isEmpty();
    crash(true);
    assertThat(read(mount, file)).isEqualTo(content);

    awaitUploaded();
    assertThat(read(other, file)).isEqualTo(content);
    assertThat(read(other, old)).isEqualTo(expected);
    mount.dropCaches();
    assertThat(read(mount, file)).isEqualTo(content);
  }

  @Test
  void what_was_committed_before_the_crash_is_not_committed_again() throws Exception {
    byte[] content = random(1, 5_000_000);
    shut();
    InodeId file = write("file", content);
    LossySegments before = segments.copy();
    awaitUploaded();
    // Another mount changes the file; then this host comes back with a journal that does not know.
    Vfs.Opened opened = other.vfs.open(file, Vfs.Access.WRITE);
    byte[] news = random(2, 1000);
    other.vfs.write(opened.handle(), 10, ByteBuffer.wrap(news));
    other.vfs.flush(opened.handle());
    other.vfs.release(opened.handle());
    System.arraycopy(news, 0, content, 10, news.length);
    mount.crash();
    segments = before;
    mount = mounted(false);
    awaitUploaded();

    assertThat(staged().blocks()).isZero();
    mount.dropCaches();
    other.dropCaches();
    assertThat(read(mount, file)).isEqualTo(content);
    assertThat(read(other, file)).isEqualTo(content);
  }

  @Test
  void a_file_that_was_removed_meanwhile_takes_nothing_and_leaves_no_object() throws Exception {
    shut();
    InodeId file = write("file", random(1, 5_000_000));
    mount.meta.reportOpensNow(); // that it is closed
    other.vfs.unlink(other.vfs.root(), name("file"));
    awaitUploaded();
    assertThat(staged().files()).isZero();
    String prefix = mount.meta.fileSystem().getUuid() + "/data/";
    awaitThat(
        "the end of its objects", () -> mount.objects.list(prefix, null, 10).objects().isEmpty());
    assertThatThrownBy(() -> mount.vfs.open(file, Vfs.Access.READ)).isInstanceOf(IOException.class);
  }

  @Test
  void a_file_emptied_here_forgets_what_was_staged_also_when_the_object_store_is_gone()
      throws Exception {
    shut();
    InodeId file = write("file", random(1, 5_000_000));
    mount.vfs.setAttributes(set(file).setLength(0));
    assertThat(mount.vfs.attributes(file).length()).isZero();
    byte[] news = random(2, 100);
    overwrite(file, 0, news);
    assertThat(read(mount, file)).isEqualTo(news);
    crash(true);
    assertThat(read(mount, file)).isEqualTo(news);
    awaitUploaded();
    assertThat(read(other, file)).isEqualTo(news);
  }

  @Test
  void a_file_cut_here_is_uploaded_first_and_then_cut() throws Exception {
    byte[] content = random(1, 5_000_000);
    objects.hold(Operation.PUT);
    InodeId file = write("file", content);
    Thread release = new Thread(objects::heal);
    release.start();
    mount.vfs.setAttributes(set(file).setLength(1000));
    release.join();
    assertThat(read(mount, file)).isEqualTo(Arrays.copyOf(content, 1000));
    assertThat(read(other, file)).isEqualTo(Arrays.copyOf(content, 1000));
    assertThat(staged().blocks()).isZero();
  }

  @Test
  void a_time_set_by_hand_outlives_the_late_commit_and_a_crash() throws Exception {
    shut();
    InodeId file = write("file", random(1, 1000));
    InodeId lost = write("lost", random(1, 1000));
    mount.vfs.setAttributes(set(file).setMtime(Timestamp.newBuilder().setSeconds(1_000_000)));
    mount.vfs.setAttributes(set(lost).setMtime(Timestamp.newBuilder().setSeconds(2_000_000)));
    assertThat(mount.vfs.attributes(file).mtimeSeconds()).isEqualTo(1_000_000);
    assertThat(mount.vfs.attributes(file).length()).isEqualTo(1000);
    crash(false);
    awaitUploaded();
    other.dropCaches();
    assertThat(other.vfs.attributes(file).mtimeSeconds()).isEqualTo(1_000_000);
    assertThat(other.vfs.attributes(lost).mtimeSeconds()).isEqualTo(2_000_000);
    assertThat(read(other, file)).hasSize(1000);
  }

  @Test
  void who_renames_a_file_publishes_its_content() throws Exception {
    byte[] content = random(1, 100_000);
    objects.hold(Operation.PUT);
    InodeId file = write("temporary", content);
    FutureTask<Void> rename =
        new FutureTask<>(
            () -> {
              mount.vfs.rename(
                  mount.vfs.root(), name("temporary"), mount.vfs.root(), name("final"));
              return null;
            });
    Thread renaming = new Thread(rename);
    renaming.start();
    awaitThat("the rename to wait", () -> rename.isDone() || waitsForCommit(renaming));
    assertThat(rename.isDone()).as("renamed before it was uploaded").isFalse();
    objects.heal();
    rename.get(LONG.toSeconds(), TimeUnit.SECONDS);
    assertThat(other.vfs.lookup(other.vfs.root(), name("final"))).isEqualTo(file);
    assertThat(read(other, file)).isEqualTo(content);
  }

  @Test
  void what_was_truncated_away_does_not_come_back_after_a_crash() throws Exception {
    shut();
    byte[] content = random(1, 5_000_000);
    InodeId file = write("file", content);
    segments.hang(true); // the journal does not hear that the blocks are committed
    objects.heal();
    awaitThat("the commit", () -> other.vfs.attributes(file).length() == content.length);
    awaitThat("its end here", () -> staged().files() == 0);

    mount.vfs.setAttributes(set(file).setLength(1_000_000));
    crash(false);
    awaitUploaded();
    assertThat(mount.vfs.attributes(file).length()).isEqualTo(1_000_000);
    assertThat(read(mount, file)).isEqualTo(Arrays.copyOf(content, 1_000_000));
  }

  @Test
  void what_was_cut_away_does_not_come_back_when_the_journals_disk_has_failed() throws Exception {
    shut();
    byte[] content = random(1, 5_000_000);
    InodeId cut = write("cut", content);
    InodeId holed = write("holed", content);
    LossySegments before = segments.copy();
    failJournalsDisk();
    awaitUploaded();
    mount.vfs.setAttributes(set(cut).setLength(1_000_000));
    Vfs.Opened opened = mount.vfs.open(holed, Vfs.Access.WRITE);
    mount.vfs.punchHole(opened.handle(), 0, 5_000_000);
    mount.vfs.release(opened.handle());

    crashBackTo(before);
    awaitUploaded();
    assertThat(read(mount, cut)).isEqualTo(Arrays.copyOf(content, 1_000_000));
    assertThat(read(mount, holed)).isEqualTo(new byte[5_000_000]);
  }

  @Test
  void what_was_dropped_is_not_committed_when_the_journals_disk_has_failed() throws Exception {
    shut();
    InodeId file = write("file", random(1, 5_000_000));
    LossySegments before = segments.copy();
    failJournalsDisk();
    mount.vfs.setAttributes(set(file).setLength(0));

    crashBackTo(before);
    awaitUploaded();
    assertThat(read(mount, file)).isEmpty();
    assertThat(read(other, file)).isEmpty();
  }

  @Test
  void nothing_of_a_file_is_shown_before_it_is_known_what_of_it_was_committed_or_dropped()
      throws Exception {
    shut();
    for (int i = 0; i < 200; i++) {
      write("before" + i, random(i, 10)); // they have their turn before the last one
    }
    InodeId last = write("last", random(1, 1000));
    LossySegments before = segments.copy();
    mount.vfs.setAttributes(set(last).setLength(0));

    crashBackTo(before);
    assertThat(read(mount, last)).isEmpty();
  }

  @Test
  void what_went_past_a_failed_journal_is_not_sent_again_from_what_is_left_there()
      throws Exception {
    write("first", random(1, 1000));
    awaitUploaded();
    failJournalsDisk();
    InodeId file = write("file", random(2, 100_000)); // its record is there, although not forced
    mount.vfs.setAttributes(set(file).setLength(0));

    crashBackTo(segments.copy());
    awaitUploaded();
    assertThat(read(mount, file)).isEmpty();
  }

  @Test
  void what_another_mount_has_truncated_since_is_not_sent_again() throws Exception {
    shut();
    byte[] content = random(1, 5_000_000);
    InodeId file = write("file", content);
    LossySegments before = segments.copy();
    awaitUploaded();
    other.vfs.setAttributes(set(file).setLength(1_000_000));

    crashBackTo(before);
    awaitUploaded();
    assertThat(read(mount, file)).isEqualTo(Arrays.copyOf(content, 1_000_000));
  }

  @Test
  void what_another_mount_has_hidden_since_is_not_sent_again_when_it_is_compacted_away()
      throws Exception {
    shut();
    InodeId file = write("file", random(1, 5_000_000));
    LossySegments before = segments.copy();
    awaitUploaded();
    Set<Long> hidden = slices(file);
    byte[] news = random(2, 5_000_000);
    Vfs.Opened opened = other.vfs.open(file, Vfs.Access.WRITE);
    other.vfs.write(opened.handle(), 0, ByteBuffer.wrap(news));
    other.vfs.flush(opened.handle());
    other.vfs.release(opened.handle());
    awaitThat("compaction", () -> Collections.disjoint(slices(file), hidden));

    crashBackTo(before);
    awaitUploaded();
    assertThat(read(mount, file)).isEqualTo(news);
    assertThat(read(other, file)).isEqualTo(news);
  }

  private Set<Long> slices(InodeId file) throws IOException {
    return other.meta.chunks(file, 0, 1).getChunks(0).getChunk().getExtentsList().stream()
        .map(Extent::getSlice)
        .collect(Collectors.toSet());
  }

  @Test
  void a_commit_that_was_carried_out_although_its_answer_was_lost_is_not_made_again()
      throws Exception {
    byte[] content = random(1, 1000);
    InodeId file = write("file", content);
    awaitUploaded();
    objects.hold(Operation.PUT);
    overwrite(file, 0, random(2, 1000));
    long writer = other.meta.chunks(file, 0, 1).getInodes(0).getJournalMarks(0).getWriter();
    other.namespace.commit( // as the one on its way will say; its bytes would tell it from that
        CommitExtents.newBuilder()
            .setInode(file.value())
            .addStaged(StagedBlocks.newBuilder().setWriter(writer).setLast(1000)));
    awaitUploaded();
    assertThat(read(mount, file)).isEqualTo(content);
    assertThat(staged().failure()).isNull();
  }

  @Test
  void a_commit_that_finds_no_metaserver_is_made_later() throws Exception {
    mount.close();
    mount = mounted(false, SHORT_META, LONG);
    byte[] content = random(1, 5_000_000);
    objects.hold(Operation.PUT);
    InodeId file = write("file", content);
    ServerId server = cluster.running().get(0);
    cluster.stop(server);
    try {
      objects.heal();
      awaitThat("a failed commit", () -> staged().failures() > 0);
      assertThat(staged().bytes()).isEqualTo(5_000_000);
    } finally {
      cluster.start(server);
    }
    awaitUploaded();
    assertThat(read(mount, file)).isEqualTo(content);
    assertThat(read(other, file)).isEqualTo(content);
  }

  @Test
  void writers_are_held_up_for_a_moment_when_uploads_lag_behind_the_deadline() throws Exception {
    mount.close();
    mount = mounted(true, MetaOptions.DEFAULTS, Duration.ZERO);
    InodeId file = write("file", random(1, 1000));
    overwrite(file, 0, random(2, 1000));
    assertThat(staged().throttled()).isPositive();
    assertThat(read(mount, file)).isEqualTo(random(2, 1000));
    awaitUploaded();
  }

  @Test
  void writers_of_whole_blocks_are_held_up_too() throws Exception {
    mount.close();
    mount = mounted(true, MetaOptions.DEFAULTS, Duration.ZERO);
    write("file", random(1, 4 << 20));
    assertThat(staged().throttled()).isPositive();
    awaitUploaded();
  }

  @Test
  void a_full_journal_lets_writes_through_to_the_object_store() throws Exception {
    // 64 MiB of journal, of which 24 MiB, 8 files, are being uploaded at once: one more goes
    // through.
    objects.hold(Operation.PUT);
    InodeId[] files = new InodeId[40];
    Thread release =
        new Thread(
            () -> {
              while (objects.held(Operation.PUT) <= 8) {
                Thread.onSpinWait();
              }
              objects.heal();
            });
    release.start();
    for (int i = 0; i < files.length; i++) {
      files[i] = write("f" + i, random(i, 3 << 20));
    }
    release.join();
    awaitUploaded();
    for (int i = 0; i < files.length; i++) {
      assertThat(read(other, files[i])).as("file %s", i).isEqualTo(random(i, 3 << 20));
    }
  }

  @Test
  void a_journal_that_cannot_be_written_lets_writes_through() throws Exception {
    segments.fail(true);
    byte[] content = random(1, 6_000_000);
    InodeId file = write("file", content);
    assertThat(segments.list()).as("segments that were made").isEmpty();
    assertThat(read(other, file)).isEqualTo(content);
    segments.fail(false);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void a_file_is_what_was_written_to_it_over_outages_and_crashes(long seed) throws Exception {
    Random random = new Random(seed);
    byte[] expected = new byte[12 << 20];
    int length = 0;
    InodeId file = write("file", new byte[0]);
    boolean shut = false;
    for (int step = 0; step < 120; step++) {
      String where = "seed " + seed + ", step " + step;
      switch (random.nextInt(10)) {
        case 0 -> {
          shut = !shut;
          if (shut) {
            shut();
          } else {
            objects.heal();
          }
        }
        case 1 -> crash(shut);
        case 2 -> {
          mount.vfs.setAttributes(set(file).setLength(0));
          Arrays.fill(expected, (byte) 0);
          length = 0;
        }
        case 3 -> {
          if (!shut) {
            int cut = random.nextInt(length + 1);
            mount.vfs.setAttributes(set(file).setLength(cut));
            Arrays.fill(expected, cut, expected.length, (byte) 0);
            length = cut;
          }
        }
        case 4 -> mount.dropCaches();
        case 5, 6 -> {
          byte[] found = read(mount, file);
          assertThat(found).as(where).hasSize(length);
          int wrong = Arrays.mismatch(found, 0, length, expected, 0, length);
          assertThat(wrong).as("first wrong byte, %s", where).isEqualTo(-1);
        }
        default -> {
          byte[] bytes = random(random.nextLong(), 1 + random.nextInt(300_000));
          int at = random.nextInt(expected.length - bytes.length);
          overwrite(file, at, bytes);
          System.arraycopy(bytes, 0, expected, at, bytes.length);
          length = Math.max(length, at + bytes.length);
        }
      }
    }
    awaitUploaded();
    mount.dropCaches();
    byte[] wanted = Arrays.copyOf(expected, length);
    assertThat(Arrays.equals(read(mount, file), wanted)).as("here, seed %s", seed).isTrue();
    assertThat(Arrays.equals(read(other, file), wanted)).as("elsewhere, seed %s", seed).isTrue();
  }
}
