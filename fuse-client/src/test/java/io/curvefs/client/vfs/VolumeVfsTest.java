package io.curvefs.client.vfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalVolumeMount;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.SetXattr;
import io.curvefs.proto.SpaceCheck;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files on volumes. */
@Timeout(120)
class VolumeVfsTest {
  private static final Caller CALLER = new Caller(1000, 1000);
  private static final int QUARANTINE_SECONDS = 4;
  private static LocalCluster cluster;
  private static int number;

  private LocalVolumeMount mount;
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
    cluster.createVolumeFileSystem(fileSystem, QUARANTINE_SECONDS, 385, 129);
    mount = new LocalVolumeMount(cluster, fileSystem);
    vfs = mount.vfs;
    root = vfs.root();
  }

  @AfterEach
  void unmount() throws IOException {
    assertThat(vfs.openHandles()).isZero();
    mount.close();
    for (SpaceCheck check : cluster.checkSpace(fileSystem)) {
      assertThat(check.getProblemsList()).isEmpty();
      assertThat(check.getLeaked() + check.getDoublyOwned() + check.getUnmarked()).isZero();
      assertThat(check.getSet())
          .isEqualTo(check.getUsed() + check.getReserved() + check.getQuarantined());
    }
  }

  private static ByteString name(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static byte[] random(long seed, int bytes) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return content;
  }

  private InodeId write(String file, byte[] content) throws IOException {
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name(file), 0644);
    InodeId inode = vfs.inodeOf(opened.handle());
    try {
      vfs.write(opened.handle(), 0, ByteBuffer.wrap(content));
      vfs.flush(opened.handle());
      return inode;
    } finally {
      vfs.release(opened.handle());
    }
  }

  private void overwrite(InodeId inode, long offset, byte[] content) throws IOException {
    long handle = vfs.open(inode, Vfs.Access.WRITE).handle();
    vfs.write(handle, offset, ByteBuffer.wrap(content));
    vfs.flush(handle);
    vfs.release(handle);
  }

  private void truncate(InodeId inode, long length) throws IOException {
    vfs.setAttributes(SetAttributes.newBuilder().setInode(inode.value()).setLength(length));
  }

  private static byte[] read(Vfs vfs, InodeId inode, int bytes) throws IOException {
    long handle = vfs.open(inode, Vfs.Access.READ).handle();
    try {
      ByteBuffer dst = ByteBuffer.allocate(bytes);
      while (dst.hasRemaining() && vfs.read(handle, dst.position(), dst) > 0) {}
      return Arrays.copyOf(dst.array(), dst.position());
    } finally {
      vfs.release(handle);
    }
  }

  /** Says where bytes differ, rather than showing all of them. */
  private static void assertSame(byte[] actual, byte[] expected, String what) {
    int at = Arrays.mismatch(actual, expected);
    if (at >= 0) {
      throw new AssertionError(
          what
              + ": differs from byte "
              + at
              + ": "
              + Arrays.toString(Arrays.copyOfRange(actual, at, Math.min(actual.length, at + 8)))
              + " of "
              + actual.length
              + ", not "
              + Arrays.toString(Arrays.copyOfRange(expected, at, Math.min(expected.length, at + 8)))
              + " of "
              + expected.length);
    }
  }

  private void assertOnAnotherMount(InodeId inode, byte[] expected) throws IOException {
    try (LocalVolumeMount other = new LocalVolumeMount(cluster, fileSystem)) {
      assertSame(read(other.vfs, inode, expected.length + 10), expected, "another mount");
    }
  }

  @Test
  void what_is_written_is_read_back_here_and_on_another_mount() throws IOException {
    for (int bytes : new int[] {1, 4095, 4096, 4097, 70_000, 9_000_001}) {
      byte[] content = random(bytes, bytes);
      InodeId inode = write("f" + bytes, content);
      assertSame(read(vfs, inode, bytes + 10), content, "this mount");
      assertOnAnotherMount(inode, content);
      assertThat(mount.namespace.freshAttributes(inode).allocated())
          .isEqualTo((bytes + 4095) / 4096 * 4096L);
    }
  }

  @Test
  void an_overwrite_keeps_its_blocks_and_commits_none() throws IOException {
    byte[] content = random(1, 200_000);
    InodeId inode = write("f", content);
    double reserves = mount.requests("RESERVE");
    long allocated = mount.namespace.freshAttributes(inode).allocated();

    byte[] change = random(2, 50_000);
    overwrite(inode, 70_001, change);

    System.arraycopy(change, 0, content, 70_001, change.length);
    assertOnAnotherMount(inode, content);
    assertThat(mount.requests("RESERVE")).isEqualTo(reserves);
    assertThat(mount.namespace.freshAttributes(inode).allocated()).isEqualTo(allocated);
  }

  @Test
  void holes_are_zeros_and_take_no_space() throws IOException {
    InodeId inode = write("f", new byte[0]);
    overwrite(inode, 10_000_000, new byte[] {7});
    byte[] expected = new byte[10_000_001];
    expected[10_000_000] = 7;
    assertSame(read(vfs, inode, 10_000_010), expected, "this mount");
    assertOnAnotherMount(inode, expected);
    assertThat(mount.namespace.freshAttributes(inode).allocated()).isEqualTo(4096);
  }

  @Test
  void what_a_truncate_cut_off_never_comes_back() throws IOException {
    byte[] content = random(3, 20_000);
    for (int way = 0; way < 3; way++) {
      InodeId inode = write("f" + way, content);
      truncate(inode, 5_000);
      byte[] expected = Arrays.copyOf(content, 5_000);
      switch (way) {
        case 0 -> truncate(inode, 20_000);
        case 1 -> overwrite(inode, 19_999, new byte[] {1});
        default -> overwrite(inode, 7_000, new byte[] {1});
      }
      expected = Arrays.copyOf(expected, way == 2 ? 7_001 : 20_000);
      if (way > 0) {
        expected[expected.length - 1] = 1;
      }
      assertSame(read(vfs, inode, 30_000), expected, "way " + way);
      assertOnAnotherMount(inode, expected);
    }
  }

  @Test
  void small_files_share_a_request_for_space() throws IOException {
    double before = mount.requests("RESERVE");
    for (int i = 0; i < 100; i++) {
      write("f" + i, random(i, 3_000));
    }
    assertThat(mount.requests("RESERVE") - before).isLessThanOrEqualTo(6);
    assertThat(mount.requests("COMMIT_BLOCKS")).isEqualTo(100);
  }

  @Test
  void a_full_volume_takes_bytes_to_its_last_block_and_again_after_a_delete() throws IOException {
    Vfs.Opened opened = vfs.createOpen(CALLER, root, name("fill"), 0644);
    byte[] piece = random(4, (1 << 20) + 5_000); // so that there is room for a part of the last
    long written = 0;
    try {
      while (true) {
        written += vfs.write(opened.handle(), written, ByteBuffer.wrap(piece));
      }
    } catch (RefusedException e) {
      assertThat(e.refusal()).isEqualTo(Refusal.ENOSPC);
    }
    vfs.flush(opened.handle());
    InodeId inode = vfs.inodeOf(opened.handle());
    vfs.release(opened.handle());
    long total = 384L << 20;
    total += 128L << 20;
    assertThat(mount.namespace.freshAttributes(inode).allocated()).isEqualTo(total);
    assertThat(mount.namespace.freshAttributes(inode).length()).isEqualTo(written);

    assertThatThrownBy(() -> write("more", new byte[1])).isInstanceOf(RefusedException.class);
    vfs.unlink(root, name("fill"));
    byte[] content = random(5, 5_000_000);
    assertOnAnotherMount(write("again", content), content);
  }

  private List<Integer> volumesOf(InodeId inode) throws IOException {
    return mount.meta.chunks(inode, 0, 1).getChunksList().stream()
        .flatMap(chunk -> chunk.getChunk().getBlocksList().stream())
        .map(extent -> (int) (extent.getAddress() >>> 48))
        .distinct()
        .toList();
  }

  private void setPoolSet(InodeId inode, String poolSet) throws IOException {
    vfs.setXattr(
        null,
        SetXattr.newBuilder()
            .setInode(inode.value())
            .setName(name("curvefs.poolset"))
            .setValue(name(poolSet)));
  }

  @Test
  void new_files_take_their_blocks_from_the_pool_set_of_their_directory() throws IOException {
    unmount();
    fileSystem = "fs" + ++number;
    cluster.createVolumeFileSystem(
        fileSystem, QUARANTINE_SECONDS, volume -> volume == 1 ? "hdd" : "ssd", 385, 385);
    mount = new LocalVolumeMount(cluster, fileSystem);
    vfs = mount.vfs;
    assertThat(volumesOf(write("plain", random(1, 10_000)))).containsExactly(1);

    InodeId fast = vfs.make(CALLER, root, name("fast"), FileType.DIRECTORY, 0755, 0).id();
    setPoolSet(fast, "ssd");
    InodeId below = vfs.make(CALLER, fast, name("below"), FileType.DIRECTORY, 0755, 0).id();
    Vfs.Opened opened = vfs.createOpen(CALLER, below, name("f"), 0644);
    vfs.write(opened.handle(), 0, ByteBuffer.wrap(random(2, 10_000)));
    vfs.flush(opened.handle());
    InodeId file = vfs.inodeOf(opened.handle());
    vfs.release(opened.handle());
    assertThat(volumesOf(file)).containsExactly(2);
    assertThat(vfs.xattr(null, below, name("curvefs.poolset")).toStringUtf8()).isEqualTo("ssd");

    assertThatThrownBy(() -> setPoolSet(fast, "tape")).isInstanceOf(RefusedException.class);
    assertThatThrownBy(() -> setPoolSet(file, "hdd"))
        .as("it has blocks")
        .isInstanceOf(RefusedException.class);
  }

  @Test
  void random_changes_read_like_the_same_changes_in_memory() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    byte[] model = new byte[0];
    InodeId inode = write("f", model);
    long handle = vfs.open(inode, Vfs.Access.WRITE).handle();
    for (int step = 0; step < 300; step++) {
      String at = "seed " + seed + ", step " + step;
      switch (random.nextInt(8)) {
        case 0 -> {
          int length = random.nextInt(600_000);
          truncate(inode, length);
          model = Arrays.copyOf(model, length);
        }
        case 1 -> vfs.flush(handle);
        case 2 -> {
          vfs.flush(handle);
          vfs.release(handle);
          handle = vfs.open(inode, Vfs.Access.WRITE).handle();
        }
        case 3 -> {
          ByteBuffer dst = ByteBuffer.allocateDirect(200_000);
          int offset = random.nextInt(700_000);
          int count = vfs.read(handle, offset, dst);
          byte[] expected =
              offset >= model.length
                  ? new byte[0]
                  : Arrays.copyOfRange(model, offset, Math.min(model.length, offset + 200_000));
          byte[] actual = new byte[count];
          dst.flip().get(actual);
          assertSame(actual, expected, at);
        }
        default -> {
          int offset = random.nextInt(600_000);
          byte[] bytes = new byte[1 + random.nextInt(random.nextBoolean() ? 9_000 : 150_000)];
          random.nextBytes(bytes);
          vfs.write(handle, offset, ByteBuffer.wrap(bytes));
          model = Arrays.copyOf(model, Math.max(model.length, offset + bytes.length));
          System.arraycopy(bytes, 0, model, offset, bytes.length);
        }
      }
    }
    vfs.flush(handle);
    vfs.release(handle);
    assertSame(read(vfs, inode, 800_000), model, "seed " + seed);
    assertOnAnotherMount(inode, model);
  }

  private long bytesOnDisk() throws IOException, InterruptedException {
    long blocks = 0;
    for (var volume : mount.meta.fileSystem().getVolumeStorage().getVolumesList()) {
      Process stat =
          new ProcessBuilder("stat", "-c", "%b", volume.getUri().substring("file://".length()))
              .start();
      blocks += Long.parseLong(new String(stat.getInputStream().readAllBytes()).trim());
      stat.waitFor();
    }
    return blocks * 512;
  }

  @Test
  void the_backing_file_shrinks_after_a_delete() throws Exception {
    long before = bytesOnDisk();
    byte[] content = random(6, 32 << 20);
    InodeId kept = write("kept", content);
    write("gone", random(7, 32 << 20));
    assertThat(bytesOnDisk() - before).isGreaterThanOrEqualTo(64L << 20);
    vfs.unlink(root, name("gone"));
    while (bytesOnDisk() - before > 34L << 20) {
      Thread.sleep(200); // until the blocks have rested; the test's timeout bounds it
    }
    assertThat(mount.registry.get("curvefs.volume.bytes.discarded").functionCounter().count())
        .isEqualTo(32 << 20);
    assertOnAnotherMount(kept, content);
  }

  @Test
  void df_shows_the_size_of_the_volumes_and_what_is_used() throws IOException {
    assertThat(vfs.usage().bytesMax()).isEqualTo(512L << 20);
    long before = vfs.usage().bytes();
    write("f", random(8, 5_000_000));
    assertThat(vfs.usage().bytes() - before).isGreaterThanOrEqualTo(5_000_000);
    assertThat(vfs.usage().bytes()).isLessThan(200 << 20);
  }

  @Test
  void a_hole_frees_its_blocks_and_reads_as_zeros_everywhere() throws IOException {
    byte[] content = random(9, 300_000);
    InodeId inode = write("f", content);
    long handle = vfs.open(inode, Vfs.Access.WRITE).handle();
    vfs.punchHole(handle, 10_000, 200_000);
    vfs.release(handle);
    Arrays.fill(content, 10_000, 210_000, (byte) 0);
    assertSame(read(vfs, inode, 400_000), content, "this mount");
    assertOnAnotherMount(inode, content);
    assertThat(mount.namespace.freshAttributes(inode).allocated()).isEqualTo((74 - 48) * 4096);
  }
}
