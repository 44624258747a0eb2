package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What reading through the kernel costs, by the counters that users can read too. */
@Timeout(300)
class ReadCostTest {
  private static final String READS = "curvefs.fuse.operations{operation=READ}";
  private static final String WRITES = "curvefs.fuse.operations{operation=WRITE}";
  private static final String FLUSHES = "curvefs.fuse.operations{operation=FLUSH}";
  private static final String OPENS = "curvefs.fuse.operations{operation=OPEN}";
  private static final String RELEASES = "curvefs.fuse.operations{operation=RELEASE}";
  private static final String GETS = "curvefs.s3.requests{verb=GET}";
  private static final String RECEIVED = "curvefs.s3.bytes.received";
  private static final String SERVED_BY_DISK = "curvefs.cache.bytes.served{tier=disk}";
  private static final String DISK_HITS = "curvefs.cache.hits{tier=disk}";
  private static final String BATCHES = "curvefs.meta.requests{operation=GET_FILES}";

  private Mount mount;
  private final List<Mount> others = new ArrayList<>();

  @BeforeEach
  void mount() {
    mount = SharedCluster.get().mount(SharedCluster.newFileSystem());
  }

  @AfterEach
  void unmount() {
    mount.unmount();
    others.forEach(Mount::unmount);
  }

  private Mount another() {
    Mount other = SharedCluster.get().mount(mount.fileSystem());
    others.add(other);
    return other;
  }

  private List<Path> files(int count, int bytes) throws IOException {
    Path directory = Files.createDirectory(mount.path("set"));
    List<Path> files = new ArrayList<>();
    byte[] content = new byte[bytes];
    for (int i = 0; i < count; i++) {
      Arrays.fill(content, (byte) i);
      files.add(Files.write(directory.resolve("f%04d".formatted(i)), content));
    }
    return files;
  }

  private static boolean kernelIsAtLeast(int major, int minor) {
    String[] version = System.getProperty("os.version").split("[.-]", -1);
    int actual = Integer.parseInt(version[0]) * 1000 + Integer.parseInt(version[1]);
    return actual >= major * 1000 + minor;
  }

  @Test
  void a_write_of_a_mebibyte_is_one_request() throws IOException {
    assumeTrue(kernelIsAtLeast(4, 20), "older kernels send 128 KiB at a time");
    byte[] mebibyte = new byte[1 << 20];
    Arrays.fill(mebibyte, (byte) 7);
    double before = mount.counted(WRITES);
    Path file = mount.path("long");
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      FileChannel channel = out.getChannel();
      ByteBuffer direct = ByteBuffer.allocateDirect(mebibyte.length).put(mebibyte);
      for (int i = 0; i < 4; i++) {
        assertThat(channel.write(direct.flip())).isEqualTo(mebibyte.length);
      }
    }
    assertThat(mount.counted(WRITES) - before).isEqualTo(4);
    Mount reader = another();
    byte[] found = Files.readAllBytes(reader.path("long"));
    assertThat(found).hasSize(4 << 20).containsOnly(7);
  }

  @Test
  void the_second_epoch_is_read_from_the_kernels_pages_until_somebody_changes_a_file()
      throws IOException {
    List<Path> files = files(50, 100_000);
    Mount trainer = another();
    List<Path> seen =
        files.stream().map(file -> trainer.path("set").resolve(file.getFileName())).toList();
    for (Path file : seen) {
      Files.readAllBytes(file);
    }
    double reads = trainer.counted(READS);
    if (kernelIsAtLeast(5, 16)) {
      assertThat(trainer.counted(FLUSHES)).as("who only reads flushes nothing").isZero();
    } else {
      assertThat(trainer.counted(FLUSHES)).as("an older kernel asks all the same").isPositive();
    }
    assertThat(reads).isGreaterThanOrEqualTo(50);

    List<Path> shuffled = new ArrayList<>(seen);
    Collections.shuffle(shuffled, new Random(1));
    for (Path file : shuffled) {
      assertThat(Files.readAllBytes(file)).hasSize(100_000);
    }
    assertThat(trainer.counted(READS)).as("second epoch").isEqualTo(reads);

    byte[] changed = new byte[100_000];
    Arrays.fill(changed, (byte) 99);
    Files.write(files.get(7), changed);
    for (Path file : shuffled) {
      int number = Integer.parseInt(file.getFileName().toString().substring(1));
      byte expected = (byte) (number == 7 ? 99 : number);
      assertThat(Files.readAllBytes(file)).containsOnly(expected);
    }
    assertThat(trainer.counted(READS) - reads).as("of the changed file alone").isBetween(1.0, 4.0);
  }

  @Test
  void a_mount_with_no_open_is_asked_for_bytes_alone_and_sees_what_others_change()
      throws IOException, InterruptedException {
    List<Path> files = files(50, 100_000);
    Mount trainer = SharedCluster.get().mount(mount.fileSystem(), "ro,no_open");
    others.add(trainer);
    List<Path> seen =
        files.stream().map(file -> trainer.path("set").resolve(file.getFileName())).toList();
    for (int epoch = 0; epoch < 3; epoch++) {
      for (int i = 0; i < seen.size(); i++) {
        assertThat(Files.readAllBytes(seen.get(i))).hasSize(100_000).containsOnly((byte) i);
      }
    }
    assertThat(trainer.counted(READS)).as("of the first epoch").isBetween(50.0, 150.0);
    assertThat(trainer.counted(OPENS)).as("the first is refused for ever").isBetween(1.0, 2.0);
    assertThat(trainer.counted(RELEASES)).isZero();

    // The same length: nothing but the version tells that these are other bytes.
    byte[] changed = new byte[100_000];
    Arrays.fill(changed, (byte) 99);
    Files.write(files.get(7), changed);
    FileTime time = Files.getLastModifiedTime(files.get(7));
    Await.until(
        "the new time of the file",
        Duration.ofSeconds(20),
        () -> Files.getLastModifiedTime(seen.get(7)).equals(time));
    assertThat(Files.readAllBytes(seen.get(7))).as("seen with its time").containsOnly((byte) 99);
    assertThat(Files.readAllBytes(seen.get(8))).containsOnly((byte) 8);
  }

  @Test
  void a_record_of_a_large_file_costs_the_disk_cache_its_own_bytes_and_a_long_run_whole_blocks()
      throws IOException {
    byte[] content = new byte[16 << 20];
    new Random(1).nextBytes(content);
    Files.write(mount.path("large"), content);
    Mount reader = another(); // whose pages the kernel does not have
    Path file = reader.path("large");
    Shell.run(Checkout.CURVEFS, "warmup", "add", reader.root()).ok();
    MountHandle.containing(reader.root()).dropMemory();

    double gets = reader.counted(GETS);
    double served = reader.counted(SERVED_BY_DISK);
    int length = 512 << 10;
    try (FileChannel channel = FileChannel.open(file)) {
      for (int at : new int[] {1_000_000, 9_000_000, 14_000_000}) {
        ByteBuffer record = ByteBuffer.allocate(length);
        while (record.hasRemaining()) {
          channel.read(record, at + record.position());
        }
        assertThat(record.array()).isEqualTo(Arrays.copyOfRange(content, at, at + length));
      }
    }
    // The kernel runs ahead of a reader too, by 128 KiB.
    assertThat(reader.counted(SERVED_BY_DISK) - served).isBetween(3.0 * length, 3.0 * 2 * length);

    MountHandle.containing(reader.root()).dropMemory();
    double hits = reader.counted(DISK_HITS);
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(reader.counted(DISK_HITS) - hits).as("reads of the disk, of 128").isLessThan(40);
    assertThat(reader.counted(GETS) - gets).isZero();
  }

  @Test
  void files_read_in_the_order_of_their_listing_are_one_object_each_and_few_batches()
      throws IOException {
    files(500, 2000);
    Mount trainer = another();

    assertThat(Shell.bash(trainer.path("set"), "cat * | wc -c").trim()).isEqualTo("1000000");

    assertThat(trainer.counted(GETS)).isEqualTo(500);
    assertThat(trainer.counted(BATCHES)).isBetween(2.0, 30.0);
    double batches = trainer.counted(BATCHES);

    Shell.bash(trainer.path("set"), "cat * > /dev/null");
    assertThat(trainer.counted(GETS)).as("second epoch").isEqualTo(500);
    assertThat(trainer.counted(BATCHES)).as("its pages are in the kernel").isEqualTo(batches);
  }

  @Test
  void a_little_of_each_of_many_large_files_fetches_a_little() throws IOException {
    List<Path> files = files(12, 9 << 20);
    Mount trainer = another();
    Collections.shuffle(files, new Random(2));
    for (int i = 0; i < files.size(); i++) {
      Path file = trainer.path("set").resolve(files.get(i).getFileName());
      try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
        open.seek(i % 3 * 4_000_000L);
        open.readFully(new byte[4096]);
      }
    }
    // The kernel asks for 16 KiB at the beginning of a file, for two pages at most elsewhere.
    assertThat(trainer.counted(GETS)).isEqualTo(files.size());
    assertThat(trainer.counted(RECEIVED)).isLessThanOrEqualTo(files.size() * (16 << 10));
  }
}
