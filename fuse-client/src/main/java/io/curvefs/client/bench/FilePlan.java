package io.curvefs.client.bench;

/**
 * The content of the files of one round and number of threads, with the checksums to find when they
 * are read. The same for all directories that are compared.
 */
final class FilePlan {
  static final int PIECE_BYTES = 1 << 20;

  private final BenchOptions options;
  private final long seed;
  private final Content[] contents;
  private final int[] bigChecksums;
  private final int[][] smallChecksums;

  FilePlan(BenchOptions options, int threads, int round) {
    this.options = options;
    this.seed = options.seed() + 1_000L * round + threads;
    contents = new Content[threads];
    bigChecksums = new int[threads];
    smallChecksums = new int[threads][options.smallFiles()];
    for (int thread = 0; thread < threads; thread++) {
      Content content = new Content(seed, PIECE_BYTES);
      contents[thread] = content;
      bigChecksums[thread] = content.checksum(big(thread), options.bigFileBytes());
      for (int i = 0; i < options.smallFiles(); i++) {
        smallChecksums[thread][i] = content.checksum(small(thread, i), options.smallBytes());
      }
    }
  }

  int threads() {
    return contents.length;
  }

  long seed() {
    return seed;
  }

  /** Belongs to that thread. */
  Content content(int thread) {
    return contents[thread];
  }

  /** Number of a thread's big file. */
  long big(int thread) {
    return (long) thread * (options.smallFiles() + 1);
  }

  /** Number of a thread's small file. */
  long small(int thread, int index) {
    return big(thread) + 1 + index;
  }

  int bigChecksum(int thread) {
    return bigChecksums[thread];
  }

  int smallChecksum(int thread, int index) {
    return smallChecksums[thread][index];
  }
}
