package io.curvefs.client.quickstart;

import io.curvefs.client.bench.Content;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Files such as a training reads: many small samples, of sizes whose logarithms are evenly
 * distributed, and some large shards. Everything follows from the seed.
 */
public final class TrainingSet {
  static final int DIRECTORIES = 10;
  static final int SAMPLES_PER_DIRECTORY = 100;
  static final int SAMPLE_BYTES_MIN = 4 << 10;
  static final int SAMPLE_BYTES_MAX = 200 << 10;
  static final int SHARDS = 2;
  static final int SHARD_BYTES = 32 << 20;

  /** Most bytes of {@link #content} that are asked for at once. */
  static final int PIECE_BYTES = 1 << 20;

  private final long seed;
  private final List<Sample> samples = new ArrayList<>();

  /**
   * One file.
   *
   * @param number from 0
   * @param name relative to the set's directory
   * @param checksum CRC32C of its bytes
   */
  public record Sample(int number, String name, int bytes, int checksum) {}

  public TrainingSet(long seed) {
    this.seed = seed;
    Random random = new Random(seed);
    Content content = content();
    for (int directory = 0; directory < DIRECTORIES; directory++) {
      for (int i = 0; i < SAMPLES_PER_DIRECTORY; i++) {
        add("class-%02d/sample-%03d".formatted(directory, i), sampleBytes(random), content);
      }
    }
    for (int i = 0; i < SHARDS; i++) {
      add("shards/shard-" + i, SHARD_BYTES, content);
    }
  }

  private void add(String name, int bytes, Content content) {
    int number = samples.size();
    samples.add(new Sample(number, name, bytes, content.checksum(number, bytes)));
  }

  private static int sampleBytes(Random random) {
    double range = Math.log((double) SAMPLE_BYTES_MAX / SAMPLE_BYTES_MIN);
    return (int) (SAMPLE_BYTES_MIN * Math.exp(random.nextDouble() * range));
  }

  /** What the files consist of, by the samples' numbers; one for each thread. */
  Content content() {
    return new Content(seed, PIECE_BYTES);
  }

  public List<Sample> samples() {
    return List.copyOf(samples);
  }

  long bytes() {
    return samples.stream().mapToLong(Sample::bytes).sum();
  }

  /** Tells a complete copy of this set from all others. */
  String label() {
    return "curvefs training set, seed " + seed + ", " + samples.size() + " files\n";
  }
}
