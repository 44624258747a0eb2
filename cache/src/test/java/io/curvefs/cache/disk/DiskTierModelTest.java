package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * Random puts, reads, evictions, damages and restarts, against a model: the set of blocks that may
 * be there. A block read is always right; a block that was stored and neither damaged, dropped nor
 * evicted is there.
 */
class DiskTierModelTest {
  private static final UUID NAMESPACE = new UUID(1, 2);
  private static final Duration LONG = Duration.ofSeconds(20);

  private final PagePool pool = new PagePool(8L << 20);
  private final MovableClock clock = new MovableClock();

  @Property(tries = 60)
  void the_tier_answers_as_the_model_does(@ForAll Random random) throws Exception {
    Path parent = Files.createTempDirectory("disk-tier-model");
    try {
      Run run = new Run(parent, random);
      for (int step = 0; step < 120; step++) {
        run.step();
      }
      run.end();
    } finally {
      deleteTree(parent);
    }
    assertThat(pool.inUse()).isZero();
  }

  private final class Run {
    final Path cache;
    final Random random;
    final Set<BlockId> stored = new HashSet<>();
    DiskTier tier;
    long evictions;

    Run(Path parent, Random random) throws Exception {
      this.cache = parent.resolve("cache");
      this.random = random;
      this.tier = open();
    }

    DiskTier open() throws Exception {
      DiskTier opened =
          DiskTier.open(
              new DiskTierOptions(
                  cache, NAMESPACE, 600_000, 1000, 0, 4L << 20, LONG, Duration.ofSeconds(30)),
              pool,
              clock);
      opened.awaitScan();
      assertThat(opened.awaitWrites(LONG)).isTrue();
      evictions = 0;
      assertThat(opened.statistics().entries()).isEqualTo(filesOnDisk());
      return opened;
    }

    void step() throws Exception {
      BlockId id =
          new BlockId(random.nextInt(4), random.nextInt(5), 1 + random.nextInt(3) * 40_000);
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3 -> store(id);
        case 4, 5, 6 -> read(id);
        case 7, 8 -> readRange(id);
        case 9 -> damage(id);
        case 10 -> delete(id);
        default -> {
          if (random.nextInt(5) == 0) {
            tier.dropAll();
            stored.clear();
          } else if (random.nextInt(4) == 0) {
            tier.close();
            tier = open();
          }
        }
      }
      forgetEvicted();
      assertThat(tier.statistics().bytes()).isLessThanOrEqualTo(600_000);
    }

    void store(BlockId id) throws Exception {
      PagedBytes content = TestBlocks.content(pool, id);
      tier.offer(id, content);
      content.release();
      assertThat(tier.awaitWrites(LONG)).isTrue();
      if (Files.exists(fileOf(id))) {
        stored.add(id);
      }
    }

    void read(BlockId id) throws Exception {
      PagedBytes content = tier.read(id);
      assertThat(content != null).as("read of %s", id).isEqualTo(stored.contains(id));
      if (content != null) {
        TestBlocks.assertAndRelease(content, id);
      }
    }

    void readRange(BlockId id) throws Exception {
      int from = random.nextInt(id.length());
      ByteBuffer dst = ByteBuffer.allocate(1 + random.nextInt(id.length() - from));
      boolean answered = tier.readRange(id, from, dst);
      assertThat(answered).as("range of %s", id).isEqualTo(stored.contains(id));
      if (answered) {
        assertThat(dst.array())
            .isEqualTo(Arrays.copyOfRange(TestBlocks.bytesOf(id), from, from + dst.capacity()));
      }
    }

    /** Damages the file beyond any read: its tail, or its length. */
    void damage(BlockId id) throws IOException {
      Path file = fileOf(id);
      if (Files.exists(file)) {
        byte[] bytes = Files.readAllBytes(file);
        if (random.nextBoolean()) {
          bytes[id.length() + random.nextInt(bytes.length - id.length())] ^= 1;
          Files.write(file, bytes);
        } else {
          Files.write(file, Arrays.copyOf(bytes, random.nextInt(bytes.length)));
        }
        assertMissAndDeleted(id);
      }
    }

    void assertMissAndDeleted(BlockId id) throws IOException {
      assertThat(tier.read(id)).isNull();
      assertThat(fileOf(id)).doesNotExist();
      stored.remove(id);
    }

    void delete(BlockId id) throws IOException {
      Files.deleteIfExists(fileOf(id));
      assertThat(tier.read(id)).isNull();
      stored.remove(id);
    }

    /** Evictions are believed only as far as the tier counted them. */
    void forgetEvicted() {
      int before = stored.size();
      stored.removeIf(id -> !Files.exists(fileOf(id)));
      long counted = tier.statistics().evictions();
      assertThat(before - stored.size()).isLessThanOrEqualTo((int) (counted - evictions));
      evictions = counted;
    }

    void end() {
      tier.close();
    }

    Path fileOf(BlockId id) {
      String shard = "%02x".formatted((id.slice() + id.index()) & 0xff);
      return cache
          .resolve(NAMESPACE.toString())
          .resolve("blocks")
          .resolve(shard)
          .resolve(id.toString());
    }

    long filesOnDisk() throws IOException {
      try (Stream<Path> files = Files.walk(cache.resolve(NAMESPACE.toString()).resolve("blocks"))) {
        return files.filter(Files::isRegularFile).count();
      }
    }
  }

  private static void deleteTree(Path tree) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) {
      List<Path> deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.delete(path);
      }
    }
  }
}
