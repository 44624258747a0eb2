package io.curvefs.client.defrag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.pace.Bandwidth;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalVolumeMount;
import io.curvefs.client.vfs.Caller;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.client.volume.KnownVolumes;
import io.curvefs.client.volume.Mover;
import io.curvefs.client.volume.VolumeOpener;
import io.curvefs.id.InodeId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.CloseSessionRequest;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.space.device.BlockDevice;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Defragmenting a file system on volumes that is mounted beside. */
@Timeout(120)
class DefragmenterTest {
  private static final Caller CALLER = new Caller(1000, 1000);
  private static final int QUARANTINE_SECONDS = 4;
  private static final int MIB = 1 << 20;
  private static LocalCluster cluster;
  private static int number;

  private LocalVolumeMount mount;
  private Vfs vfs;
  private InodeId root;
  private String fileSystem;
  private MetaClient meta;
  private NamespaceClient namespace;

  /** Runs when copied blocks are flushed: between copy and commit. */
  private Hook whileFlushing = () -> {};

  private final List<FileEnd> ends = new ArrayList<>();

  private interface Hook {
    void run() throws IOException;
  }

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
    mount(385);
  }

  private void mount(int mebibytes) throws IOException {
    fileSystem = "fs" + ++number;
    cluster.createVolumeFileSystem(fileSystem, QUARANTINE_SECONDS, mebibytes);
    mount = new LocalVolumeMount(cluster, fileSystem);
    vfs = mount.vfs;
    root = vfs.root();
    meta = cluster.connect(fileSystem, MetaOptions.DEFAULTS, new SimpleMeterRegistry());
    namespace = new NamespaceClient(meta, MetaOptions.DEFAULTS);
  }

  @AfterEach
  void unmount() throws IOException {
    meta.close();
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

  /** Written alternately, so that the pieces of both lie between each other's. */
  private InodeId fragmented(InodeId directory, String file, int pieces, int bytes)
      throws IOException {
    byte[] content = random(pieces, pieces * bytes);
    Vfs.Opened one = vfs.createOpen(CALLER, directory, name(file), 0644);
    Vfs.Opened two = vfs.createOpen(CALLER, directory, name(file + ".other"), 0644);
    InodeId inode = vfs.inodeOf(one.handle());
    for (int i = 0; i < pieces; i++) {
      vfs.write(one.handle(), (long) i * bytes, ByteBuffer.wrap(content, i * bytes, bytes));
      vfs.flush(one.handle());
      vfs.write(two.handle(), i * 4096L, ByteBuffer.wrap(random(1, 4096)));
      vfs.flush(two.handle());
    }
    vfs.release(one.handle());
    vfs.release(two.handle());
    vfs.unlink(directory, name(file + ".other"));
    mount.meta.reportOpensNow();
    assertThat(extents(inode)).as("pieces of the first chunk").isGreaterThan(pieces / 2);
    return inode;
  }

  private List<BlockExtent> chunk(InodeId inode, int index) throws IOException {
    return mount.meta.chunks(inode, index, 1).getChunksList().stream()
        .flatMap(chunk -> chunk.getChunk().getBlocksList().stream())
        .toList();
  }

  private int extents(InodeId inode) throws IOException {
    return chunk(inode, 0).size();
  }

  private byte[] read(Vfs from, InodeId inode, int bytes) throws IOException {
    long handle = from.open(inode, Vfs.Access.READ).handle();
    try {
      ByteBuffer dst = ByteBuffer.allocate(bytes);
      while (dst.hasRemaining() && from.read(handle, dst.position(), dst) > 0) {}
      return Arrays.copyOf(dst.array(), dst.position());
    } finally {
      from.release(handle);
    }
  }

  private void overwrite(InodeId inode, long offset, byte[] content) throws IOException {
    long handle = vfs.open(inode, Vfs.Access.WRITE).handle();
    vfs.write(handle, offset, ByteBuffer.wrap(content));
    vfs.flush(handle);
    vfs.release(handle);
    mount.meta.reportOpensNow();
  }

  private void assertContent(InodeId inode, byte[] expected) throws IOException {
    assertThat(Arrays.mismatch(read(vfs, inode, expected.length + 10), expected))
        .as("first difference")
        .isEqualTo(-1);
    try (LocalVolumeMount other = new LocalVolumeMount(cluster, fileSystem)) {
      assertThat(Arrays.mismatch(read(other.vfs, inode, expected.length + 10), expected))
          .as("first difference on another mount")
          .isEqualTo(-1);
    }
  }

  private Totals survey() throws IOException, InterruptedException {
    return new Defragmenter(namespace).survey();
  }

  private Totals defragment() throws IOException, InterruptedException {
    KnownVolumes volumes = new KnownVolumes(meta);
    VolumeOpener hooked = (volume, bound) -> hooked(volumes.open(volume, bound));
    ends.clear();
    try (Mover mover = Mover.open(namespace, hooked, volumes.numbers(), Bandwidth.of(0))) {
      return new Defragmenter(namespace)
          .run(
              mover,
              new DefragListener() {
                @Override
                public void ended(FileEnd end) {
                  ends.add(end);
                }

                @Override
                public void copied(long bytes) {}
              });
    }
  }

  private BlockDevice hooked(BlockDevice device) {
    return (BlockDevice)
        Proxy.newProxyInstance(
            BlockDevice.class.getClassLoader(),
            new Class<?>[] {BlockDevice.class},
            (proxy, method, arguments) -> {
              try {
                Object result = method.invoke(device, arguments);
                if (method.getName().equals("flushSince")) {
                  whileFlushing.run();
                }
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static double entries() {
    return cluster.counted("curvefs.raft.entries", "kind", "MUTATION");
  }

  @Test
  void a_file_in_pieces_becomes_one_and_nothing_else_changes() throws Exception {
    InodeId directory = vfs.make(CALLER, root, name("d"), FileType.DIRECTORY, 0755, 0).id();
    InodeId inode = fragmented(directory, "f", 20, 40_000);
    vfs.link(inode, root, name("same"));
    byte[] content = random(20, 800_000);
    Attributes before = mount.namespace.freshAttributes(inode);
    Totals found = survey();
    assertThat(found.files()).isEqualTo(1);
    assertThat(found.fragmentedFiles()).isEqualTo(1);
    assertThat(found.extents()).isGreaterThanOrEqualTo(20);
    assertThat(found.bytesToMove()).isEqualTo(196 * 4096).isEqualTo(found.bytes());

    double entries = entries();
    Totals after = defragment();
    assertThat(entries() - entries).as("reserve and commit").isEqualTo(2);
    assertThat(ends)
        .singleElement()
        .satisfies(
            end -> {
              assertThat(end.kind()).isEqualTo(FileEnd.Kind.MOVED);
              assertThat(end.path()).isIn("/d/f", "/same");
            });
    assertThat(after.extents()).isEqualTo(1);
    assertThat(after.bytesToMove()).isZero();
    assertThat(extents(inode)).isEqualTo(1);
    assertThat(mount.namespace.freshAttributes(inode))
        .usingRecursiveComparison()
        .ignoringFields("version", "dataVersion")
        .isEqualTo(before);
    assertContent(inode, content);

    byte[] change = random(5, 10_000);
    overwrite(inode, 123_456, change);
    System.arraycopy(change, 0, content, 123_456, change.length);
    assertThat(extents(inode)).isEqualTo(1);
    assertContent(inode, content);
    assertThat(survey()).isEqualTo(after);
    awaitRested(196);
  }

  /** Waits until nothing but a file's blocks is in use. */
  private void awaitRested(long blocks) throws IOException, InterruptedException {
    mount.contents.flushAll();
    while (true) {
      List<SpaceCheck> checks = cluster.checkSpace(fileSystem);
      if (checks.stream().allMatch(check -> check.getQuarantined() == 0)) {
        assertThat(checks.stream().mapToLong(SpaceCheck::getUsed).sum()).isEqualTo(blocks);
        return;
      }
      Thread.sleep(100);
    }
  }

  @Test
  void a_plan_changes_nothing() throws Exception {
    InodeId inode = fragmented(root, "f", 5, 40_000);
    List<BlockExtent> before = chunk(inode, 0);
    double entries = entries();
    assertThat(survey().fragmentedFiles()).isEqualTo(1);
    assertThat(entries()).isEqualTo(entries);
    assertThat(chunk(inode, 0)).isEqualTo(before);
  }

  @Test
  void an_open_file_is_skipped_and_named_until_it_is_closed() throws Exception {
    InodeId inode = fragmented(root, "f", 5, 40_000);
    byte[] content = random(5, 200_000);
    long handle = vfs.open(inode, Vfs.Access.WRITE).handle();
    double entries = entries();
    Totals after = defragment();
    assertThat(ends)
        .containsExactly(
            new FileEnd("/f", FileEnd.Kind.SKIPPED, "it is open, or was a moment ago"));
    assertThat(after.fragmentedFiles()).isEqualTo(1);
    assertThat(entries()).isEqualTo(entries);

    vfs.write(handle, 10, ByteBuffer.wrap(new byte[] {1, 2, 3}));
    vfs.flush(handle);
    System.arraycopy(new byte[] {1, 2, 3}, 0, content, 10, 3);
    vfs.release(handle);
    mount.meta.reportOpensNow();
    assertThat(defragment().fragmentedFiles()).isZero();
    assertContent(inode, content);
  }

  @Test
  void a_file_that_is_opened_between_copy_and_commit_stays_where_it_is() throws Exception {
    InodeId inode = fragmented(root, "f", 5, 40_000);
    byte[] content = random(5, 200_000);
    Map<String, Long> handles = new HashMap<>();
    whileFlushing = () -> handles.put("f", vfs.open(inode, Vfs.Access.WRITE).handle());
    defragment();
    assertThat(ends).extracting(FileEnd::kind).containsExactly(FileEnd.Kind.SKIPPED);
    assertThat(extents(inode)).isGreaterThanOrEqualTo(5);

    long handle = handles.get("f");
    vfs.write(handle, 0, ByteBuffer.wrap(new byte[] {7}));
    vfs.flush(handle);
    vfs.release(handle);
    content[0] = 7;
    assertContent(inode, content);
  }

  @Test
  void a_change_between_copy_and_commit_is_in_the_file_that_was_moved() throws Exception {
    InodeId inode = fragmented(root, "f", 5, 40_000);
    byte[] content = random(5, 200_000);
    byte[] change = random(6, 50_000);
    System.arraycopy(change, 0, content, 70_000, change.length);
    whileFlushing =
        () -> {
          whileFlushing = () -> {};
          overwrite(inode, 70_000, change);
        };
    assertThat(defragment().extents()).isEqualTo(1);
    assertThat(ends).extracting(FileEnd::kind).containsExactly(FileEnd.Kind.MOVED);
    assertContent(inode, content);
  }

  @Test
  void what_a_truncate_cut_off_stays_cut_off_whenever_the_file_grows() throws Exception {
    byte[] content = Arrays.copyOf(Arrays.copyOf(random(5, 200_000), 101_000), 150_000);
    InodeId early = fragmented(root, "early", 5, 40_000);
    truncate(early, 101_000);
    whileFlushing =
        () -> {
          whileFlushing = () -> {};
          truncate(early, 150_000);
        };
    assertThat(defragment().fragmentedFiles()).isZero();
    assertContent(early, content);

    InodeId late = fragmented(root, "late", 5, 40_000);
    truncate(late, 101_000);
    assertThat(defragment().fragmentedFiles()).isZero();
    truncate(late, 150_000);
    assertContent(late, content);
  }

  private void truncate(InodeId inode, long length) throws IOException {
    vfs.setAttributes(SetAttributes.newBuilder().setInode(inode.value()).setLength(length));
  }

  @Test
  void the_chunks_of_a_long_file_lie_one_behind_the_other() throws Exception {
    InodeId inode = fragmented(root, "f", 14, 5 * MIB);
    byte[] content = random(14, 70 * MIB);
    double entries = entries();
    Totals after = defragment();
    assertThat(entries() - entries).as("of two chunks").isEqualTo(4);
    assertThat(after.extents()).isEqualTo(1);
    assertThat(chunk(inode, 1)).hasSize(1);
    assertContent(inode, content);
  }

  @Test
  void without_a_long_free_range_a_file_is_left_and_the_reason_named() throws Exception {
    unmount();
    mount(129);
    InodeId inode = fragmented(root, "f", 3, MIB);
    byte[] content = random(3, 3 * MIB);
    List<String> fillers = new ArrayList<>();
    try {
      while (true) {
        String filler = "filler" + fillers.size();
        Vfs.Opened opened = vfs.createOpen(CALLER, root, name(filler), 0644);
        fillers.add(filler);
        try {
          vfs.write(opened.handle(), 0, ByteBuffer.wrap(random(1, MIB)));
          vfs.flush(opened.handle());
        } finally {
          vfs.release(opened.handle());
        }
      }
    } catch (IOException e) {
      // It is full.
    }
    for (int i = 10; i < 60; i += 2) {
      vfs.unlink(root, name(fillers.get(i)));
    }
    awaitNothingRests();
    defragment();
    assertThat(ends).contains(new FileEnd("/f", FileEnd.Kind.SKIPPED, "no contiguous space"));
    assertContent(inode, content);
  }

  private void awaitNothingRests() throws IOException, InterruptedException {
    mount.meta.reportOpensNow();
    Thread.sleep(2000); // deleted files are looked for each second
    while (cluster.checkSpace(fileSystem).stream().anyMatch(c -> c.getQuarantined() > 0)) {
      Thread.sleep(100);
    }
  }

  @Test
  void a_session_that_is_lost_moves_nothing_and_leaves_nothing() throws Exception {
    InodeId inode = fragmented(root, "f", 5, 40_000);
    List<BlockExtent> before = chunk(inode, 0);
    whileFlushing = this::endSession;
    assertThatThrownBy(this::defragmentOrFail).isInstanceOf(IOException.class);
    assertThat(chunk(inode, 0)).isEqualTo(before);
    assertContent(inode, random(5, 200_000));
    awaitRested(49);
  }

  private void endSession() throws IOException {
    cluster.coordinate(
        CoordinateRequest.newBuilder()
            .setCloseSession(CloseSessionRequest.newBuilder().setSession(meta.session().value())));
  }

  /** A failed file is an exception. */
  private void defragmentOrFail() throws IOException, InterruptedException {
    defragment();
    for (FileEnd end : ends) {
      if (end.kind() == FileEnd.Kind.FAILED) {
        throw new IOException(end.reason());
      }
    }
  }
}
