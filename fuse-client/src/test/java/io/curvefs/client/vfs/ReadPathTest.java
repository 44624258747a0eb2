package io.curvefs.client.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.MetaOptions;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalMount;
import io.curvefs.id.InodeId;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.fault.DelayedObjectStore;
import io.curvefs.proto.FileType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What reading costs: requests, bytes, and memory. */
@Timeout(120)
class ReadPathTest {
  private static final Caller CALLER = new Caller(0, 0);
  private static final int MIB = 1 << 20;
  private static LocalCluster cluster;
  private static int number;

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
  void createFileSystem() throws IOException {
    fileSystem = "fs" + ++number;
    cluster.createFileSystem(fileSystem);
  }

  private static ByteString name(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static ByteBuffer content(long seed, int bytes) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return ByteBuffer.wrap(content);
  }

  private static InodeId write(Vfs vfs, InodeId parent, String file, ByteBuffer content)
      throws IOException {
    Vfs.Opened opened = vfs.createOpen(CALLER, parent, name(file), 0644);
    try {
      while (content.hasRemaining()) {
        ByteBuffer some = content.slice();
        some.limit(Math.min(some.remaining(), 128 << 10));
        int count = some.remaining();
        vfs.write(opened.handle(), content.position(), some);
        content.position(content.position() + count);
      }
      vfs.flush(opened.handle());
      return vfs.inodeOf(opened.handle());
    } finally {
      vfs.release(opened.handle());
    }
  }

  /** As the kernel reads a file from beginning to end. */
  private static ByteBuffer readAll(Vfs vfs, InodeId inode, int length) throws IOException {
    Vfs.Opened opened = vfs.open(inode, Vfs.Access.READ);
    try {
      ByteBuffer all = ByteBuffer.allocate(length);
      while (all.hasRemaining()) {
        ByteBuffer some = all.slice();
        some.limit(Math.min(some.remaining(), 128 << 10));
        int count = vfs.read(opened.handle(), all.position(), some);
        if (count == 0) {
          break;
        }
        all.position(all.position() + count);
      }
      return all.flip();
    } finally {
      vfs.release(opened.handle());
    }
  }

  /** Small files in one directory, written through a mount of its own. */
  private List<InodeId> smallFiles(int count, int bytes) throws IOException {
    List<InodeId> files = new ArrayList<>();
    try (LocalMount writer = new LocalMount(cluster, fileSystem)) {
      InodeId directory =
          writer.vfs.make(CALLER, InodeId.ROOT, name("d"), FileType.DIRECTORY, 0755, 0).id();
      for (int i = 0; i < count; i++) {
        files.add(write(writer.vfs, directory, "f%05d".formatted(i), content(i, bytes)));
      }
    }
    return files;
  }

  private LocalMount mount(UnaryOperator<ObjectStore> faults) throws IOException {
    return new LocalMount(
        cluster, fileSystem, MetaOptions.DEFAULTS, 16 * MIB, 16 * MIB, 32 * MIB, faults);
  }

  private static List<InodeId> list(Vfs vfs) throws IOException {
    List<InodeId> found = new ArrayList<>();
    long handle = vfs.openDirectory(vfs.lookup(InodeId.ROOT, name("d")));
    vfs.readDirectory(
        handle,
        0,
        (file, inode, type, next) -> {
          if (type == FileType.REGULAR) {
            found.add(inode);
          }
          return true;
        });
    vfs.releaseDirectory(handle);
    return found;
  }

  private static long gets(LocalMount mount) {
    return mount.objects.metrics().snapshot().gets();
  }

  @Test
  void small_files_read_in_the_order_of_their_listing_are_there_before_their_reader()
      throws IOException {
    int count = 1000;
    smallFiles(count, 3000);
    try (LocalMount mount =
        mount(
            s3 ->
                new DelayedObjectStore(
                    s3, Duration.ofMillis(20), DelayedObjectStore.Pause.realTime()))) {
      List<InodeId> files = list(mount.vfs);
      assertThat(files).hasSize(count);
      for (int i = 0; i < count; i++) {
        assertThat(readAll(mount.vfs, files.get(i), 4096)).isEqualTo(content(i, 3000));
      }
      assertThat(gets(mount)).as("one object for each file").isEqualTo(count);
      assertThat(mount.cacheStatistics().prefetchesIssued())
          .as("of them fetched ahead")
          .isGreaterThan(count * 9 / 10);
      assertThat(mount.requests("GET_FILES")).isBetween(2.0, count / 25.0);
      assertThat(mount.requests("OPEN")).isEqualTo(count);
      assertThat(mount.requests("GET_CHUNKS")).isZero();
    }
  }

  @Test
  void small_files_read_in_shuffled_order_are_not_fetched_ahead() throws IOException {
    smallFiles(300, 3000);
    try (LocalMount mount = mount(UnaryOperator.identity())) {
      List<InodeId> shuffled = list(mount.vfs);
      Collections.shuffle(shuffled, new Random(1));
      for (InodeId file : shuffled) {
        readAll(mount.vfs, file, 4096);
      }
      assertThat(mount.requests("GET_FILES")).isZero();
      assertThat(mount.cacheStatistics().prefetchesIssued()).isZero();
      assertThat(gets(mount)).isEqualTo(300);
    }
  }

  @Test
  void a_little_of_each_of_many_large_files_fetches_a_little() throws IOException {
    List<InodeId> files = smallFiles(20, 5 * MIB);
    Collections.shuffle(files, new Random(2));
    try (LocalMount mount = mount(UnaryOperator.identity())) {
      for (int i = 0; i < files.size(); i++) {
        Vfs.Opened opened = mount.vfs.open(files.get(i), Vfs.Access.READ);
        mount.vfs.read(opened.handle(), i % 2 * 3L * MIB, ByteBuffer.allocate(4096));
        mount.vfs.release(opened.handle());
      }
      assertThat(mount.objects.metrics().snapshot().bytesReceived())
          .isEqualTo(files.size() * 4096L);
    }
  }

  @Test
  void threads_that_read_one_cold_block_at_different_places_fetch_no_more_than_it_has()
      throws Exception {
    InodeId file = smallFiles(1, 4 * MIB).get(0);
    try (LocalMount mount = mount(UnaryOperator.identity())) {
      Vfs.Opened opened = mount.vfs.open(file, Vfs.Access.READ);
      CyclicBarrier together = new CyclicBarrier(32);
      List<Callable<ByteBuffer>> readers = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        long offset = (i * 37 % 32) * (128L << 10) + 5000;
        readers.add(
            () -> {
              ByteBuffer dst = ByteBuffer.allocate(4096);
              together.await(30, TimeUnit.SECONDS);
              mount.vfs.read(opened.handle(), offset, dst);
              return dst.flip();
            });
      }
      ExecutorService threads = Executors.newFixedThreadPool(32);
      List<Future<ByteBuffer>> read = threads.invokeAll(readers);
      threads.shutdown();
      ByteBuffer whole = content(0, 4 * MIB);
      for (int i = 0; i < 32; i++) {
        int offset = (i * 37 % 32) * (128 << 10) + 5000;
        assertThat(read.get(i).get()).isEqualTo(whole.slice(offset, 4096));
      }
      mount.vfs.release(opened.handle());

      assertThat(gets(mount)).isLessThanOrEqualTo(32);
      assertThat(mount.objects.metrics().snapshot().bytesReceived())
          .as("the pieces, or the block in their place")
          .isLessThanOrEqualTo(4L * MIB + 32 * 4096);
    }
  }

  @Test
  void threads_that_each_read_through_a_part_of_one_file_fetch_every_block_once() throws Exception {
    int part = 16 * MIB;
    ByteBuffer whole = content(0, 4 * part);
    InodeId file = smallFiles(1, 4 * part).get(0);
    try (LocalMount mount =
        new LocalMount(
            cluster,
            fileSystem,
            MetaOptions.DEFAULTS,
            16 * MIB,
            160 * MIB,
            32 * MIB,
            UnaryOperator.identity())) {
      Vfs.Opened opened = mount.vfs.open(file, Vfs.Access.READ);
      List<Callable<Boolean>> readers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int from = i * part;
        readers.add(
            () -> {
              ByteBuffer dst = ByteBuffer.allocate(128 << 10);
              for (int at = from; at < from + part; at += dst.capacity()) {
                dst.clear();
                mount.vfs.read(opened.handle(), at, dst);
                if (!dst.flip().equals(whole.slice(at, dst.capacity()))) {
                  return false;
                }
              }
              return true;
            });
      }
      ExecutorService threads = Executors.newFixedThreadPool(4);
      for (Future<Boolean> right : threads.invokeAll(readers)) {
        assertThat(right.get()).isTrue();
      }
      threads.shutdown();
      mount.vfs.release(opened.handle());

      // Each stream's first piece may come alone, before it is known for a stream.
      assertThat(gets(mount)).isLessThanOrEqualTo(16 + 4 * 2);
      assertThat(mount.cacheStatistics().prefetchesIssued()).isGreaterThanOrEqualTo(6);
    }
  }

  @Test
  void a_sequential_reader_waits_for_no_block_because_its_read_ahead_was_dropped()
      throws IOException {
    InodeId file = smallFiles(1, 96 * MIB).get(0);
    try (LocalMount mount =
        new LocalMount(
            cluster,
            fileSystem,
            MetaOptions.DEFAULTS,
            16 * MIB,
            96 * MIB,
            32 * MIB,
            s3 ->
                new DelayedObjectStore(
                    s3, Duration.ofMillis(20), DelayedObjectStore.Pause.realTime()))) {
      assertThat(readAll(mount.vfs, file, 96 * MIB)).isEqualTo(content(0, 96 * MIB));

      assertThat(gets(mount)).isEqualTo(24);
      // A reader may come to a block just before the thread that is to fetch it does.
      assertThat(mount.cacheStatistics().prefetchesIssued()).isGreaterThanOrEqualTo(18);
      assertThat(mount.cacheStatistics().prefetchesDropped()).isZero();
    }
  }

  @Test
  void many_readers_and_writers_share_the_smallest_budget_without_failing() throws Exception {
    List<InodeId> files = smallFiles(4, 24 * MIB);
    try (LocalMount mount = mount(UnaryOperator.identity())) {
      List<Callable<String>> work = new ArrayList<>();
      for (int reader = 0; reader < 12; reader++) {
        int which = reader % files.size();
        work.add(
            () ->
                readAll(mount.vfs, files.get(which), 24 * MIB).equals(content(which, 24 * MIB))
                    ? ""
                    : "wrong bytes in file " + which);
      }
      for (int writer = 0; writer < 8; writer++) {
        String file = "written" + writer;
        long seed = 1000 + writer;
        work.add(
            () -> {
              InodeId written = write(mount.vfs, InodeId.ROOT, file, content(seed, 12 * MIB));
              return readAll(mount.vfs, written, 12 * MIB).equals(content(seed, 12 * MIB))
                  ? ""
                  : "wrong bytes in " + file;
            });
      }
      ExecutorService threads = Executors.newFixedThreadPool(work.size());
      for (Future<String> done : threads.invokeAll(work, 100, TimeUnit.SECONDS)) {
        assertThat(done.get()).isEmpty();
      }
      threads.shutdown();
      assertThat(mount.pool.highWater()).isLessThanOrEqualTo(mount.pool.capacity());
    }
  }
}
