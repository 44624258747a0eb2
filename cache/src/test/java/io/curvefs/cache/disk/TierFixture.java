package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.Hold;
import io.curvefs.cache.TestBlocks;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/** Tiers over directories of a test, and what one does with them. */
final class TierFixture implements AutoCloseable {
  static final UUID NAMESPACE = new UUID(1, 2);
  static final Duration LONG = Duration.ofSeconds(20);
  static final Duration RETRY = Duration.ofSeconds(30);

  final PagePool pool = new PagePool(16L << 20);
  final MovableClock clock = new MovableClock();
  private final List<DiskTier> opened = new ArrayList<>();

  static DiskTierOptions options(List<Path> directories, long bytesMax, int filesMax) {
    return new DiskTierOptions(
        directories, NAMESPACE, bytesMax, filesMax, 0, 0, 4L << 20, LONG, RETRY);
  }

  DiskTier open(List<Path> directories, long bytesMax, int filesMax) throws Exception {
    DiskTier tier = DiskTier.open(options(directories, bytesMax, filesMax), pool, clock);
    opened.add(tier);
    tier.awaitScan();
    return tier;
  }

  /** Leaves the end of a tier to the fixture. */
  void closeLater(DiskTier tier) {
    opened.add(tier);
  }

  /** A block that takes one page of the disk. */
  static BlockId small(int number) {
    return new BlockId(number, 0, 1000);
  }

  void offer(DiskTier tier, BlockId id) throws Exception {
    PagedBytes content = TestBlocks.content(pool, id);
    tier.offer(id, content);
    content.release();
    assertThat(tier.awaitWrites(LONG)).isTrue();
  }

  void warm(DiskTier tier, BlockId id, Hold hold) throws IOException {
    PagedBytes content = TestBlocks.content(pool, id);
    try {
      tier.store(id, content, hold);
    } finally {
      content.release();
    }
  }

  /** Whether the tier has the block, every byte of which is then right. */
  boolean reads(DiskTier tier, BlockId id) throws IOException {
    PagedBytes content = tier.read(id);
    if (content != null) {
      TestBlocks.assertAndRelease(content, id);
    }
    return content != null;
  }

  static Path blocks(Path directory) {
    return directory.resolve(NAMESPACE.toString()).resolve("blocks");
  }

  /** Room that block files really take, while others may come and go. */
  static long bytesIn(Path directory) throws IOException {
    long bytes = 0;
    for (Path shard : CacheDirectory.filesOf(blocks(directory))) {
      for (Path file : CacheDirectory.filesOf(shard)) {
        BlockId id = CacheDirectory.blockNamed(file.getFileName().toString());
        bytes += id == null ? 0 : DiskIndex.chargedBytes(id);
      }
    }
    return bytes;
  }

  /** For tests that mount or act as another user: where they cannot run they fail. */
  static void requireRoot() {
    assertThat(System.getProperty("user.name"))
        .as("run as root: this test mounts, or acts as another user")
        .isEqualTo("root");
  }

  static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    String said = new String(process.getInputStream().readAllBytes());
    assertThat(process.exitValue()).as("%s: %s", List.of(command), said).isZero();
  }

  /** Ends all tiers; every page must have come back. */
  @Override
  public void close() {
    opened.forEach(DiskTier::close);
    assertThat(pool.inUse()).isZero();
  }
}
