package io.curvefs.client.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalMount;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Opens that need not ask: a mount with {@code open_cache}, and one without beside it. */
@Timeout(60)
class OpenCacheVfsTest {
  private static final Caller CALLER = new Caller(1000, 1000);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final ByteString NAME = ByteString.copyFromUtf8("sample");
  private static LocalCluster cluster;
  private static int number;

  private LocalMount mount;
  private LocalMount other;
  private InodeId root;

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
    String fileSystem = "fs" + ++number;
    cluster.createFileSystem(fileSystem);
    mount = mount(fileSystem, HOUR);
    other = new LocalMount(cluster, fileSystem);
    root = mount.vfs.root();
  }

  private static LocalMount mount(String fileSystem, Duration openCache) throws IOException {
    MetaOptions options =
        new MetaOptions(HOUR, HOUR, Duration.ZERO, openCache, Duration.ofSeconds(20));
    return new LocalMount(cluster, fileSystem, options, 64 << 20, UnaryOperator.identity());
  }

  @AfterEach
  void unmount() throws IOException {
    assertThat(mount.vfs.openHandles() + other.vfs.openHandles()).isZero();
    mount.close();
    other.close();
  }

  private static InodeId write(LocalMount by, InodeId directory, String content)
      throws IOException {
    Vfs.Opened opened = by.vfs.createOpen(CALLER, directory, NAME, 0644);
    InodeId inode = by.vfs.inodeOf(opened.handle());
    put(by, opened.handle(), content);
    return inode;
  }

  private static void overwrite(LocalMount by, InodeId inode, String content) throws IOException {
    put(by, by.vfs.open(inode, Vfs.Access.WRITE).handle(), content);
  }

  private static void put(LocalMount by, long handle, String content) throws IOException {
    by.vfs.write(handle, 0, ByteString.copyFromUtf8(content).asReadOnlyByteBuffer());
    by.vfs.flush(handle);
    by.vfs.release(handle);
  }

  private static String read(LocalMount by, InodeId inode) throws IOException {
    long handle = by.vfs.open(inode, Vfs.Access.READ).handle();
    String content = read(by, handle);
    by.vfs.release(handle);
    return content;
  }

  private static String read(LocalMount by, long handle) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(100);
    by.vfs.read(handle, 0, dst);
    return ByteString.copyFrom(dst.flip()).toStringUtf8();
  }

  @Test
  void only_the_first_open_asks() throws IOException {
    InodeId inode = write(other, root, "one");
    for (int i = 0; i < 3; i++) {
      assertThat(read(mount, inode)).isEqualTo("one");
    }
    assertThat(mount.requests("OPEN")).isEqualTo(1);
    assertThat(mount.requests("GET_CHUNKS")).isZero();
  }

  @Test
  void what_was_asked_for_with_many_others_is_opened_without_asking() throws IOException {
    InodeId inode = write(other, root, "one");
    mount.namespace.files(List.of(inode), 1);

    assertThat(read(mount, inode)).isEqualTo("one");
    assertThat(mount.requests("OPEN")).isZero();
  }

  @Test
  void a_mount_without_it_asks_each_time() throws IOException {
    InodeId inode = write(mount, root, "one");
    for (int i = 0; i < 3; i++) {
      assertThat(read(other, inode)).isEqualTo("one");
    }
    assertThat(other.requests("OPEN")).isEqualTo(3);
  }

  @Test
  void what_this_mount_writes_is_seen_at_once() throws IOException {
    InodeId inode = write(mount, root, "one");
    assertThat(read(mount, inode)).isEqualTo("one");
    overwrite(mount, inode, "TWO");
    assertThat(read(mount, inode)).isEqualTo("TWO");
  }

  @Test
  void what_another_writes_is_seen_once_news_of_the_file_have_come() throws IOException {
    InodeId inode = write(other, root, "one");
    assertThat(read(mount, inode)).isEqualTo("one");
    overwrite(other, inode, "TWO");
    assertThat(read(mount, inode)).isEqualTo("one");

    mount.namespace.freshAttributes(inode);
    assertThat(read(mount, inode)).isEqualTo("TWO");
  }

  /** A file that the metaserver knows to be open nowhere, and the mount can open without asking. */
  private InodeId knownAndClosed(String content) throws IOException {
    InodeId inode = write(other, root, content);
    other.meta.reportOpensNow();
    read(mount, inode);
    mount.meta.reportOpensNow();
    return inode;
  }

  @Test
  void a_file_removed_here_stays_readable_to_who_holds_it_open() throws IOException {
    InodeId inode = knownAndClosed("one");
    long handle = mount.vfs.open(inode, Vfs.Access.READ).handle();
    assertThat(mount.requests("OPEN")).isEqualTo(1);

    mount.vfs.unlink(root, NAME);
    assertThat(mount.namespace.freshAttributes(inode).nlink()).isZero();
    assertThat(read(mount, handle)).isEqualTo("one");
    mount.vfs.release(handle);
  }

  @Test
  void a_file_removed_elsewhere_stays_readable_once_the_open_was_told() throws IOException {
    InodeId inode = knownAndClosed("one");
    long handle = mount.vfs.open(inode, Vfs.Access.READ).handle();
    mount.meta.reportOpensNow();

    other.vfs.unlink(root, NAME);
    assertThat(read(mount, handle)).isEqualTo("one");
    assertThat(other.namespace.freshAttributes(inode).nlink()).isZero();
    mount.vfs.release(handle);
  }

  private static String readUnopened(LocalMount by, InodeId inode, int bytes) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(bytes);
    by.vfs.readUnopened(inode, 0, dst);
    return ByteString.copyFrom(dst.flip()).toStringUtf8();
  }

  @Test
  void a_file_read_without_opening_it_is_open_until_it_was_read_to_its_end() throws IOException {
    InodeId inode = write(other, root, "one");
    mount.vfs.tellStalePages(stale -> {});

    assertThat(readUnopened(mount, inode, 2)).isEqualTo("on");
    assertThat(mount.vfs.openHandles()).isEqualTo(1);
    assertThat(readUnopened(mount, inode, 100)).isEqualTo("one");
    assertThat(mount.vfs.openHandles()).isZero();

    readUnopened(mount, inode, 2);
    mount.vfs.closeUnopened();
    assertThat(mount.vfs.openHandles()).isZero();
    assertThat(mount.requests("OPEN")).isEqualTo(1);
  }

  @Test
  void pages_read_without_opening_a_file_are_stale_once_news_of_it_have_come() throws IOException {
    InodeId inode = write(other, root, "one");
    List<InodeId> stale = new ArrayList<>();
    mount.vfs.tellStalePages(stale::add);
    readUnopened(mount, inode, 100);

    mount.namespace.freshAttributes(inode);
    mount.vfs.attributes(inode);
    assertThat(stale).as("nothing has changed").isEmpty();

    overwrite(other, inode, "TWO");
    mount.namespace.freshAttributes(inode);
    mount.vfs.attributes(inode);
    mount.vfs.attributes(inode);
    assertThat(stale).containsExactly(inode);
    assertThat(readUnopened(mount, inode, 100)).isEqualTo("TWO");

    mount.vfs.forgetCached();
    assertThat(stale).as("nothing may be kept").containsExactly(inode, inode);
  }

  @Test
  void pages_of_an_older_version_are_stale_when_only_the_next_read_brings_the_news()
      throws IOException {
    InodeId inode = write(other, root, "one");
    List<InodeId> stale = new ArrayList<>();
    LocalMount asking = new LocalMount(cluster, "fs" + number);
    asking.vfs.tellStalePages(stale::add);
    readUnopened(asking, inode, 100);
    overwrite(other, inode, "TWO");
    assertThat(readUnopened(asking, inode, 100)).isEqualTo("TWO");
    assertThat(stale).containsExactly(inode);
    asking.close();
  }
}
