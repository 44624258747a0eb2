package io.curvefs.client.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.data.FileData;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalMount;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetAttributes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class VfsTest {
  private static final Caller CALLER = new Caller(1000, 1000);
  private static LocalCluster cluster;
  private static int number;

  private LocalMount mount;
  private Vfs vfs;
  private InodeId root;
  private String fileSystem;

  @BeforeAll
  static void startCluster(@TempDir Path directory) throws IOException {
    cluster = LocalCluster.start(directory, 1, 3);
  }

  @AfterAll
  static void stopCluster() {
    cluster.close();
  }

  @BeforeEach
  void mount() throws IOException {
    fileSystem = "fs" + ++number;
    cluster.createFileSystem(fileSystem);
    mount = new LocalMount(cluster, fileSystem);
    vfs = mount.vfs;
    root = vfs.root();
  }

  @AfterEach
  void unmount() throws IOException {
    assertThat(vfs.openHandles()).isZero();
    mount.close();
  }

  private static ByteString name(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static ByteBuffer random(long seed, int bytes) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return ByteBuffer.wrap(content);
  }

  private static Refusal refusal(ThrowingCallable call) {
    try {
      call.call();
    } catch (RefusedException e) {
      return e.refusal();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    return null;
  }

  private void write(InodeId parent, String file, ByteBuffer content) throws IOException {
    Vfs.Opened opened = vfs.createOpen(CALLER, parent, name(file), 0644);
    vfs.write(opened.handle(), 0, content);
    vfs.flush(opened.handle());
    vfs.release(opened.handle());
  }

  private static ByteBuffer read(Vfs vfs, InodeId inode, long offset, int length)
      throws IOException {
    Vfs.Opened opened = vfs.open(inode, Vfs.Access.READ);
    try {
      ByteBuffer dst = ByteBuffer.allocate(length);
      while (dst.hasRemaining()) {
        int count = vfs.read(opened.handle(), offset + dst.position(), dst);
        if (count == 0) {
          break;
        }
      }
      return dst.flip();
    } finally {
      vfs.release(opened.handle());
    }
  }

  @Test
  void somebody_else_who_ends_reading_a_file_does_not_end_what_is_being_written() throws Exception {
    Vfs.Opened writing = vfs.createOpen(CALLER, root, name("f"), 0644);
    vfs.write(writing.handle(), 0, random(1, 5_000_000));
    InodeId inode = vfs.lookup(root, name("f"));

    FileData reading = mount.data.open(inode); // as the mount does for a list of paths
    mount.data.close(reading);
    vfs.flush(writing.handle());
    vfs.release(writing.handle());

    mount.dropCaches();
    assertThat(read(vfs, inode, 0, 5_000_000)).isEqualTo(random(1, 5_000_000));
  }

  @Test
  void what_is_written_is_read_back_here_and_on_another_mount() throws Exception {
    write(root, "f", random(1, 10_000_000));
    InodeId inode = vfs.lookup(root, name("f"));

    assertThat(read(vfs, inode, 0, 10_000_000)).isEqualTo(random(1, 10_000_000));
    mount.dropCaches();
    assertThat(read(vfs, inode, 0, 10_000_000)).isEqualTo(random(1, 10_000_000));
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      InodeId seen = other.vfs.lookup(root, name("f"));
      assertThat(other.vfs.attributes(seen).length()).isEqualTo(10_000_000);
      assertThat(read(other.vfs, seen, 0, 10_000_000)).isEqualTo(random(1, 10_000_000));
      assertThat(read(other.vfs, seen, 5_000_001, 100).remaining()).isEqualTo(100);
    }
  }

  @Test
  void a_small_file_is_one_put_one_create_and_one_commit() throws Exception {
    write(root, "warm", random(1, 10)); // admits the session to the group
    double entries = cluster.counted("curvefs.raft.entries", "kind", "MUTATION");
    long puts = mount.objects.metrics().snapshot().puts();
    double requests = mount.requests("CREATE") + mount.requests("COMMIT");
    write(root, "f", random(2, 4 << 20));

    assertThat(mount.objects.metrics().snapshot().puts() - puts).isEqualTo(1);
    assertThat(mount.requests("CREATE") + mount.requests("COMMIT") - requests).isEqualTo(2);
    assertThat(cluster.counted("curvefs.raft.entries", "kind", "MUTATION") - entries).isEqualTo(2);
  }

  @Test
  void sixty_four_mebibytes_in_order_are_sixteen_puts() throws Exception {
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name("big"), 0644);
    long puts = mount.objects.metrics().snapshot().puts();
    for (int i = 0; i < 64 * 8; i++) {
      vfs.write(opened.handle(), i * (128L << 10), random(i, 128 << 10));
    }
    vfs.flush(opened.handle());
    vfs.release(opened.handle());

    assertThat(mount.objects.metrics().snapshot().puts() - puts).isEqualTo(16);
    InodeId inode = vfs.lookup(root, name("big"));
    assertThat(mount.meta.chunks(inode, 0, 1).getChunks(0).getChunk().getExtentsCount())
        .isEqualTo(1);
    mount.dropCaches();
    for (int i = 0; i < 64 * 8; i += 37) {
      assertThat(read(vfs, inode, i * (128L << 10), 128 << 10)).isEqualTo(random(i, 128 << 10));
    }
  }

  @Test
  void scattered_small_writes_of_one_window_are_one_put() throws Exception {
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name("sparse"), 0644);
    long puts = mount.objects.metrics().snapshot().puts();
    for (int i = 0; i < 50; i++) {
      vfs.write(opened.handle(), i * 70_000L, random(i, 4096));
    }
    vfs.flush(opened.handle());

    assertThat(mount.objects.metrics().snapshot().puts() - puts).isEqualTo(1);
    mount.dropCaches();
    ByteBuffer page = ByteBuffer.allocate(4096);
    vfs.read(opened.handle(), 7 * 70_000L, page);
    assertThat(page.flip()).isEqualTo(random(7, 4096));
    page.clear();
    vfs.read(opened.handle(), 7 * 70_000L + 10_000, page);
    assertThat(page.flip()).isEqualTo(ByteBuffer.allocate(4096));
    vfs.release(opened.handle());
  }

  @Test
  void reads_see_writes_at_every_stage_of_their_way() throws Exception {
    Random random = new Random(42);
    int size = 9 << 20;
    byte[] model = new byte[size];
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name("mixed"), 0644);
    vfs.write(opened.handle(), size - 1, ByteBuffer.wrap(new byte[1]));
    for (int step = 0; step < 400; step++) {
      int offset = random.nextInt(size - 200_000);
      int length = 1 + random.nextInt(200_000);
      if (random.nextInt(3) > 0) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        System.arraycopy(bytes, 0, model, offset, length);
        vfs.write(opened.handle(), offset, ByteBuffer.wrap(bytes));
        if (random.nextInt(25) == 0) {
          vfs.flush(opened.handle());
        }
      } else {
        ByteBuffer dst = ByteBuffer.allocate(length);
        assertThat(vfs.read(opened.handle(), offset, dst)).isEqualTo(length);
        assertThat(dst.flip())
            .as("step %d", step)
            .isEqualTo(ByteBuffer.wrap(model, offset, length));
      }
    }
    vfs.flush(opened.handle());
    vfs.release(opened.handle());
    mount.dropCaches();
    assertThat(read(vfs, vfs.lookup(root, name("mixed")), 0, size))
        .isEqualTo(ByteBuffer.wrap(model));
  }

  @Test
  void names_follow_posix() throws Exception {
    InodeId dir = vfs.make(CALLER, root, name("d"), FileType.DIRECTORY, 0755, 0).id();
    write(dir, "f", random(1, 5));
    InodeId file = vfs.lookup(dir, name("f"));

    assertThat(vfs.attributes(root).nlink()).isEqualTo(3);
    assertThat(refusal(() -> vfs.removeDirectory(root, name("d")))).isEqualTo(Refusal.ENOTEMPTY);
    assertThat(refusal(() -> vfs.unlink(root, name("d")))).isEqualTo(Refusal.EISDIR);
    assertThat(refusal(() -> vfs.lookup(dir, name("g")))).isEqualTo(Refusal.ENOENT);
    assertThat(refusal(() -> vfs.make(CALLER, dir, name("f"), FileType.REGULAR, 0, 0)))
        .isEqualTo(Refusal.EEXIST);
    assertThat(refusal(() -> vfs.lookup(file, name("x")))).isEqualTo(Refusal.ENOTDIR);

    assertThat(vfs.link(file, root, name("g")).nlink()).isEqualTo(2);
    vfs.rename(dir, name("f"), root, name("h"));
    assertThat(refusal(() -> vfs.lookup(dir, name("f")))).isEqualTo(Refusal.ENOENT);
    assertThat(vfs.lookup(root, name("h"))).isEqualTo(file);
    vfs.unlink(root, name("g"));
    assertThat(vfs.attributes(file).nlink()).isEqualTo(1);
    vfs.removeDirectory(root, name("d"));
    assertThat(vfs.attributes(root).nlink()).isEqualTo(2);
  }

  @Test
  void a_directory_cannot_be_moved_below_itself() throws Exception {
    InodeId a = vfs.make(CALLER, root, name("a"), FileType.DIRECTORY, 0755, 0).id();
    InodeId b = vfs.make(CALLER, a, name("b"), FileType.DIRECTORY, 0755, 0).id();
    InodeId c = vfs.make(CALLER, b, name("c"), FileType.DIRECTORY, 0755, 0).id();

    assertThat(refusal(() -> vfs.rename(root, name("a"), c, name("x")))).isEqualTo(Refusal.EINVAL);
    vfs.rename(b, name("c"), root, name("c"));
    vfs.rename(root, name("a"), c, name("a"));
    assertThat(vfs.attributes(a).parent()).isEqualTo(c.value());
  }

  @Test
  void an_unlinked_file_is_readable_until_it_is_closed() throws Exception {
    write(root, "f", random(3, 100_000));
    InodeId inode = vfs.lookup(root, name("f"));
    Vfs.Opened opened = vfs.open(inode, Vfs.Access.READ);
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      other.vfs.unlink(root, name("f"));
    }
    mount.dropCaches();

    ByteBuffer dst = ByteBuffer.allocate(100_000);
    vfs.read(opened.handle(), 0, dst);
    assertThat(dst.flip()).isEqualTo(random(3, 100_000));
    assertThat(vfs.attributes(inode).nlink()).isZero();
    vfs.release(opened.handle());
    mount.meta.reportOpensNow();
    while (refusal(
            () -> {
              mount.dropCaches();
              vfs.attributes(inode);
            })
        == null) {
      Thread.onSpinWait();
    }
  }

  @Test
  void truncating_hides_bytes_for_good() throws Exception {
    write(root, "f", random(4, 5 << 20));
    InodeId inode = vfs.lookup(root, name("f"));
    vfs.setAttributes(SetAttributes.newBuilder().setInode(inode.value()).setLength(1_000));
    vfs.setAttributes(SetAttributes.newBuilder().setInode(inode.value()).setLength(3_000));

    ByteBuffer expected = ByteBuffer.allocate(3_000).put(random(4, 5 << 20).limit(1_000));
    assertThat(read(vfs, inode, 0, 10_000)).isEqualTo(expected.clear());
    assertThat(vfs.usage().bytes()).isEqualTo(3_000);
  }

  @Test
  void a_large_directory_is_listed_in_pages_and_its_stats_ask_nothing() throws Exception {
    int count = 5_000;
    for (int i = 0; i < count; i++) {
      vfs.make(CALLER, root, name("file-" + i), FileType.REGULAR, 0644, 0);
    }
    mount.dropCaches();
    double before = mount.requests("LIST_DIRECTORY");
    long handle = vfs.openDirectory(root);
    double others = mount.requests("LOOKUP") + mount.requests("GET_INODES");
    List<ByteString> names = new ArrayList<>();
    long[] next = {0};
    long last = -1;
    while (next[0] != last) {
      last = next[0];
      int[] room = {100};
      vfs.readDirectory(
          handle,
          last,
          (entry, inode, type, behind) -> {
            if (room[0]-- == 0) {
              return false;
            }
            names.add(entry);
            next[0] = behind;
            return true;
          });
    }
    vfs.releaseDirectory(handle);

    assertThat(names).hasSize(count + 2).doesNotHaveDuplicates();
    assertThat(mount.requests("LIST_DIRECTORY") - before)
        .isEqualTo(Math.ceil(count / (double) MetaClient.LIST_PAGE));
    for (ByteString entry : names.subList(2, names.size())) {
      Attributes attributes = vfs.attributes(vfs.lookup(root, entry));
      assertThat(attributes.mode()).isEqualTo(0644);
    }
    assertThat(mount.requests("LOOKUP") + mount.requests("GET_INODES") - others).isZero();
  }

  /** Up to so many names from an offset on, with the offset behind each. */
  private Map<ByteString, Long> list(long handle, long offset, int room) throws RefusedException {
    Map<ByteString, Long> behind = new LinkedHashMap<>();
    vfs.readDirectory(
        handle,
        offset,
        (entry, inode, type, next) ->
            behind.size() < room && behind.putIfAbsent(entry, next) == null);
    return behind;
  }

  /** Offsets behind all names, taken at the walk's beginning. */
  private Map<ByteString, Long> listAll(long handle) throws RefusedException {
    Map<ByteString, Long> all = new LinkedHashMap<>();
    long at = 0;
    while (true) {
      Map<ByteString, Long> some = list(handle, at, 100);
      if (some.isEmpty()) {
        return all;
      }
      all.putAll(some);
      at = all.values().stream().mapToLong(Long::longValue).max().orElseThrow();
    }
  }

  private static ByteString numbered(int number) {
    return name("f-%06d".formatted(number));
  }

  @Test
  void an_offset_of_an_open_directory_leads_to_the_same_place_whatever_is_removed_and_added()
      throws Exception {
    int count = 5_000;
    for (int i = 0; i < count; i++) {
      vfs.make(CALLER, root, numbered(i), FileType.REGULAR, 0644, 0);
    }
    long handle = vfs.openDirectory(root);
    Map<ByteString, Long> behind = listAll(handle);
    assertThat(behind).hasSize(count + 2);

    Set<Integer> removed = new HashSet<>();
    Random random = new Random(7);
    for (int i = 0; i < 500; i++) {
      removed.add(i);
      removed.add(random.nextInt(count));
    }
    for (int number : removed) {
      vfs.unlink(root, numbered(number));
      vfs.make(CALLER, root, name("f-%06d-new".formatted(number)), FileType.REGULAR, 0644, 0);
    }

    List<Integer> seeks = new ArrayList<>(List.of(1_000, 0, 4_998, 2_047, 2_048, 499, 3_000));
    for (int i = 0; i < 20; i++) {
      seeks.add(random.nextInt(count - 1));
    }
    for (int number : seeks) {
      List<ByteString> next =
          IntStream.range(number + 1, count)
              .filter(i -> !removed.contains(i))
              .limit(150)
              .mapToObj(VfsTest::numbered)
              .toList();
      assertThat(list(handle, behind.get(numbered(number)), 150).keySet())
          .as("names behind number %s", number)
          .containsExactlyElementsOf(next);
    }
    vfs.releaseDirectory(handle);
  }

  @Test
  void a_directory_that_is_emptied_while_it_is_read_shows_every_name_once() throws Exception {
    int count = 5_000;
    for (int i = 0; i < count; i++) {
      vfs.make(CALLER, root, numbered(i), FileType.REGULAR, 0644, 0);
    }
    double before = mount.requests("LIST_DIRECTORY");
    long handle = vfs.openDirectory(root);
    long at = list(handle, 0, 2).values().stream().mapToLong(Long::longValue).max().orElseThrow();
    List<ByteString> names = new ArrayList<>();
    while (true) {
      Map<ByteString, Long> some = list(handle, at, 100);
      if (some.isEmpty()) {
        break;
      }
      for (ByteString entry : some.keySet()) {
        vfs.unlink(root, entry);
      }
      names.addAll(some.keySet());
      at = some.values().stream().mapToLong(Long::longValue).max().orElseThrow();
    }

    assertThat(names).hasSize(count).doesNotHaveDuplicates();
    assertThat(mount.requests("LIST_DIRECTORY") - before)
        .isEqualTo(Math.ceil(count / (double) MetaClient.LIST_PAGE));
    assertThat(list(handle, 0, 10)).as("after rewinddir").hasSize(2);
    vfs.releaseDirectory(handle);
  }

  @Test
  void another_mount_sees_a_change_when_it_opens_the_file() throws Exception {
    write(root, "f", random(5, 1_000));
    InodeId inode = vfs.lookup(root, name("f"));
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      assertThat(other.vfs.attributes(inode).length()).isEqualTo(1_000);
      Vfs.Opened opened = vfs.open(inode, Vfs.Access.WRITE);
      vfs.write(opened.handle(), 1_000, random(6, 500));
      vfs.flush(opened.handle());
      vfs.release(opened.handle());

      Vfs.Opened stale = other.vfs.open(inode, Vfs.Access.READ);
      assertThat(stale.lengthChanged()).isTrue();
      assertThat(stale.keepPages()).isFalse();
      other.vfs.release(stale.handle());
      assertThat(other.vfs.attributes(inode).length()).isEqualTo(1_500);
      Vfs.Opened again = other.vfs.open(inode, Vfs.Access.READ);
      assertThat(again.lengthChanged()).isFalse();
      assertThat(again.keepPages()).isTrue();
      other.vfs.release(again.handle());
      assertThat(read(other.vfs, inode, 1_000, 500)).isEqualTo(random(6, 500));
    }
    Vfs.Opened ours = vfs.open(inode, Vfs.Access.READ);
    assertThat(ours.lengthChanged()).as("what we wrote ourselves is not news").isFalse();
    vfs.release(ours.handle());
  }

  @Test
  void a_read_finds_what_was_written_before_it_whatever_is_flushed_meanwhile() throws Exception {
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name("flushed"), 0644);
    AtomicBoolean over = new AtomicBoolean();
    CompletableFuture<?> flusher =
        CompletableFuture.runAsync(() -> untilOver(over, () -> vfs.flush(opened.handle())));
    try {
      for (int round = 0; round < 1_500; round++) {
        ByteBuffer written = ByteBuffer.allocate(4096).putInt(0, round);
        vfs.write(opened.handle(), 0, written.duplicate());
        ByteBuffer found = ByteBuffer.allocate(4096);
        vfs.read(opened.handle(), 0, found);
        assertThat(found.getInt(0)).isEqualTo(round);
      }
    } finally {
      over.set(true);
    }
    flusher.get(30, TimeUnit.SECONDS);
    vfs.release(opened.handle());
  }

  @Test
  void the_length_never_falls_behind_what_was_written_while_it_is_committed() throws Exception {
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name("appended"), 0644);
    InodeId inode = vfs.inodeOf(opened.handle());
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong written = new AtomicLong();
    CompletableFuture<?> asker =
        CompletableFuture.runAsync(
            () ->
                untilOver(
                    over,
                    () -> {
                      long before = written.get();
                      vfs.forgetCached();
                      assertThat(vfs.attributes(inode).length()).isGreaterThanOrEqualTo(before);
                    }));
    try {
      for (int round = 0; round < 500 && !asker.isDone(); round++) {
        vfs.write(opened.handle(), written.get(), random(round, 100));
        written.addAndGet(100);
        vfs.flush(opened.handle());
      }
    } finally {
      over.set(true);
    }
    asker.get(30, TimeUnit.SECONDS);
    vfs.release(opened.handle());
  }

  private static void untilOver(AtomicBoolean over, ThrowingCallable work) {
    while (!over.get()) {
      try {
        work.call();
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }

  @Test
  void who_appends_to_a_file_that_has_changed_elsewhere_is_sent_to_ask_once() throws Exception {
    write(root, "log", random(5, 1_000));
    InodeId inode = vfs.lookup(root, name("log"));
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      other.vfs.attributes(inode);
      Vfs.Opened opened = vfs.open(inode, Vfs.Access.APPEND);
      vfs.write(opened.handle(), 1_000, random(6, 500));
      vfs.release(opened.handle());

      assertThat(refusal(() -> other.vfs.open(inode, Vfs.Access.APPEND))).isEqualTo(Refusal.ESTALE);
      other.vfs.release(other.vfs.open(inode, Vfs.Access.APPEND).handle());
    }
  }

  @Test
  void an_open_file_that_grows_elsewhere_shows_its_new_bytes_with_its_new_length()
      throws Exception {
    write(root, "f", random(5, 1_000));
    InodeId inode = vfs.lookup(root, name("f"));
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      Vfs.Opened following = other.vfs.open(inode, Vfs.Access.READ);
      Vfs.Opened opened = vfs.open(inode, Vfs.Access.WRITE);
      vfs.write(opened.handle(), 1_000, random(6, 500));
      vfs.release(opened.handle());

      other.vfs.forgetCached();
      assertThat(other.vfs.attributes(inode).length()).isEqualTo(1_500);
      ByteBuffer found = ByteBuffer.allocate(500);
      other.vfs.read(following.handle(), 1_000, found);
      assertThat(found.flip()).isEqualTo(random(6, 500));
      other.vfs.release(following.handle());
    }
  }

  @Test
  void a_truncate_to_the_same_length_does_not_make_old_pages_current() throws Exception {
    write(root, "f", random(5, 1_000));
    InodeId inode = vfs.lookup(root, name("f"));
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      other.vfs.release(other.vfs.open(inode, Vfs.Access.READ).handle());
      Vfs.Opened opened = vfs.open(inode, Vfs.Access.WRITE);
      vfs.write(opened.handle(), 0, random(6, 1_000));
      vfs.release(opened.handle());

      other.vfs.setAttributes(SetAttributes.newBuilder().setInode(inode.value()).setLength(1_000));
      Vfs.Opened again = other.vfs.open(inode, Vfs.Access.READ);
      assertThat(again.keepPages()).isFalse();
      other.vfs.release(again.handle());
    }
  }

  @Test
  void names_of_any_bytes_up_to_255() throws Exception {
    byte[] odd = new byte[255];
    for (int i = 0; i < odd.length; i++) {
      odd[i] = (byte) (i == 46 ? 200 : i + 1); // every byte but NUL and '/'
    }
    ByteString longest = ByteString.copyFrom(odd);
    vfs.make(CALLER, root, longest, FileType.REGULAR, 0644, 0);

    assertThat(vfs.lookup(root, longest)).isNotNull();
    assertThat(
            refusal(
                () -> vfs.make(CALLER, root, longest.concat(name("x")), FileType.REGULAR, 0644, 0)))
        .isEqualTo(Refusal.ENAMETOOLONG);
    assertThat(refusal(() -> vfs.lookup(root, longest.concat(name("x")))))
        .isEqualTo(Refusal.ENAMETOOLONG);
  }

  @Test
  void a_hole_reads_as_zeros_here_and_on_another_mount() throws Exception {
    byte[] content = random(3, 5_000_000).array();
    write(root, "f", ByteBuffer.wrap(content));
    InodeId inode = vfs.lookup(root, name("f"));
    Vfs.Opened opened = vfs.open(inode, Vfs.Access.WRITE);
    vfs.write(opened.handle(), 1_000_000, random(4, 10)); // before the hole, in order
    vfs.punchHole(opened.handle(), 1_000_000, 3_000_001);
    vfs.punchHole(opened.handle(), 4_900_000, 1 << 30);
    vfs.release(opened.handle());
    java.util.Arrays.fill(content, 1_000_000, 4_000_001, (byte) 0);
    java.util.Arrays.fill(content, 4_900_000, 5_000_000, (byte) 0);
    assertThat(read(vfs, inode, 0, 6_000_000)).isEqualTo(ByteBuffer.wrap(content));
    try (LocalMount other = new LocalMount(cluster, fileSystem)) {
      assertThat(read(other.vfs, inode, 0, 6_000_000)).isEqualTo(ByteBuffer.wrap(content));
    }
  }
}
