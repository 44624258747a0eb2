package io.curvefs.e2e;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.OnBuckets;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What random operations do to a file, beside what they do to an array: as the fsx program of the
 * Linux Test Project does it, here also with dropped caches and a second mount.
 */
@Tag("volumes")
class RandomAccessTest {
  private static final int LENGTH_MAX = 10 << 20;
  private static final int TRANSFER_MAX = 300 << 10;

  private static Mount plain;
  private static Mount writeback;
  private static Mount other;

  @BeforeAll
  static void mount() {
    String fileSystem = SharedCluster.newFileSystem();
    // A small write buffer sends partial blocks early.
    plain = SharedCluster.get().mount(fileSystem, "write_buffer=16M");
    if (Storage.CHOSEN == Storage.BUCKET) {
      writeback = SharedCluster.get().mount(fileSystem, "writeback", "write_buffer=16M");
    }
    other = SharedCluster.get().mount(fileSystem);
  }

  @AfterAll
  static void unmount() {
    // Mapped memory keeps its file open until the buffer is collected.
    Await.until("the mapped buffers' end", Duration.ofSeconds(60), RandomAccessTest::isNotInUse);
    plain.unmount();
    if (writeback != null) {
      writeback.unmount();
    }
    other.unmount();
  }

  private static boolean isNotInUse() {
    System.gc();
    return Shell.tryBash(Path.of("/"), "fuser -m " + plain.root()).exit() != 0
        && (writeback == null
            || Shell.tryBash(Path.of("/"), "fuser -m " + writeback.root()).exit() != 0);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void a_file_is_what_was_written_to_it(long seed) throws IOException {
    new Exerciser(plain, seed, "short-" + seed).run(600);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  @OnBuckets("a journal is for buckets")
  void a_file_is_what_was_written_to_it_through_a_journal(long seed) throws IOException {
    new Exerciser(writeback, seed, "staged-" + seed).run(400);
  }

  @Test
  @Tag("long")
  void a_file_is_what_was_written_to_it_for_long() throws IOException {
    long first = System.nanoTime();
    for (long seed = first; seed < first + 20; seed++) {
      new Exerciser(plain, seed, "long-" + seed).run(5_000);
      if (writeback != null) {
        new Exerciser(writeback, seed, "long-staged-" + seed).run(5_000);
      }
    }
  }

  private static final class Exerciser {
    private final Mount mount;
    private final String name;
    private final long seed;
    private final Random random;
    private final byte[] expected = new byte[LENGTH_MAX];
    private int length;
    private FileChannel file;
    private int step;
    private String doing = "";

    Exerciser(Mount mount, long seed, String name) {
      this.mount = mount;
      this.seed = seed;
      this.name = name;
      this.random = new Random(seed);
    }

    void run(int steps) throws IOException {
      file = open();
      try {
        for (step = 0; step < steps; step++) {
          step();
        }
        verifyAll();
      } catch (IOException | RuntimeException e) {
        throw new AssertionError(where(), e);
      } finally {
        file.close();
      }
    }

    private String where() {
      return "seed " + seed + ", step " + step + ": " + doing;
    }

    private FileChannel open() throws IOException {
      return FileChannel.open(mount.path(name), CREATE, READ, WRITE);
    }

    private void step() throws IOException {
      switch (random.nextInt(20)) {
        case 0, 1 -> truncate();
        case 2 -> {
          doing = "fsync";
          file.force(true);
        }
        case 3 -> {
          doing = "close and open";
          file.close();
          file = open();
        }
        case 4 -> {
          doing = "drop caches";
          mount.dropCaches();
        }
        case 5 -> readElsewhere();
        case 6 -> writeMapped();
        case 7, 8, 9, 10, 11 -> read(mount, random.nextInt(LENGTH_MAX));
        default -> write();
      }
    }

    private void truncate() throws IOException {
      int to = random.nextInt(LENGTH_MAX / 2);
      doing = "truncate from " + length + " to " + to;
      if (to < length) {
        file.truncate(to);
        Arrays.fill(expected, to, length, (byte) 0);
      } else if (to > length) {
        // Java does not extend by truncate: a byte at the end does.
        file.write(ByteBuffer.allocate(1), to - 1L);
      }
      length = to;
    }

    private void write() throws IOException {
      int offset = random.nextInt(LENGTH_MAX - TRANSFER_MAX);
      byte[] bytes = new byte[1 + random.nextInt(TRANSFER_MAX)];
      random.nextBytes(bytes);
      doing = "write of " + bytes.length + " at " + offset;
      file.write(ByteBuffer.wrap(bytes), offset);
      System.arraycopy(bytes, 0, expected, offset, bytes.length);
      length = Math.max(length, offset + bytes.length);
    }

    private void writeMapped() throws IOException {
      if (length == 0) {
        return;
      }
      int offset = random.nextInt(length);
      byte[] bytes = new byte[1 + random.nextInt(Math.min(TRANSFER_MAX, length - offset))];
      random.nextBytes(bytes);
      doing = "mapped write of " + bytes.length + " at " + offset;
      MappedByteBuffer mapped = file.map(FileChannel.MapMode.READ_WRITE, offset, bytes.length);
      mapped.put(bytes);
      mapped.force();
      System.arraycopy(bytes, 0, expected, offset, bytes.length);
    }

    /** Others see a file when it is uploaded: with a journal, later than its close. */
    private void awaitUploaded() {
      Await.until(
          "the upload",
          Duration.ofSeconds(60),
          () -> mount.counted("curvefs.writeback.bytes") == 0);
    }

    /** What is closed is seen by whoever opens then. */
    private void readElsewhere() throws IOException {
      doing = "close, read elsewhere";
      file.close();
      awaitUploaded();
      read(other, random.nextInt(LENGTH_MAX));
      file = open();
    }

    private void read(Mount where, int offset) throws IOException {
      int count = 1 + random.nextInt(TRANSFER_MAX);
      doing = "read of " + count + " at " + offset + " of " + length + " in " + where.root();
      ByteBuffer read = ByteBuffer.allocate(count);
      if (where == mount) {
        while (read.hasRemaining() && file.read(read, offset + read.position()) > 0) {}
      } else {
        try (FileChannel there = FileChannel.open(where.path(name), READ)) {
          assertThat(there.size()).as("length, %s", where()).isEqualTo(length);
          while (read.hasRemaining() && there.read(read, offset + read.position()) > 0) {}
        }
      }
      int available = Math.max(0, Math.min(count, length - offset));
      assertThat(read.position()).as("bytes, %s", where()).isEqualTo(available);
      if (!Arrays.equals(
          read.array(),
          0,
          available,
          expected,
          Math.min(offset, length),
          Math.min(offset, length) + available)) {
        int different =
            Arrays.mismatch(read.array(), 0, available, expected, offset, offset + available);
        throw new AssertionError("wrong byte at " + (offset + different) + ", " + where());
      }
    }

    private void verifyAll() throws IOException {
      doing = "reading all at the end";
      file.close();
      awaitUploaded();
      mount.dropCaches();
      byte[] wanted = Arrays.copyOf(expected, length);
      assertThat(Files.readAllBytes(mount.path(name)).length).as(where()).isEqualTo(length);
      assertThat(Arrays.equals(Files.readAllBytes(mount.path(name)), wanted)).as(where()).isTrue();
      assertThat(Arrays.equals(Files.readAllBytes(other.path(name)), wanted)).as(where()).isTrue();
    }
  }
}
