package io.curvefs.client.quickstart;

import io.curvefs.client.bench.Content;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;

/**
 * Files such as a training reads: many small samples in class directories, of sizes whose
 * logarithms are evenly distributed, and some large shards. Everything follows from shape and seed.
 */
public final class TrainingSet {
  public static final int SAMPLE_BYTES_MIN = 4 << 10;
  public static final int SAMPLE_BYTES_MAX = 200 << 10;
  static final int RECORD_BYTES_MIN = 128 << 10;
  static final int RECORD_BYTES_MAX = 1 << 20;

  /** Records begin at multiples of this. */
  private static final int RECORD_STEP_BYTES = 4 << 10;

  /** Most bytes of {@link #content} that are asked for at once. */
  static final int PIECE_BYTES = 1 << 20;

  private final Shape shape;
  private final long seed;
  private final List<Sample> samples = new ArrayList<>();

  /**
   * How much of what.
   *
   * @param samples small files, at least one
   * @param directories that they are spread over
   * @param shards large files, at least one
   * @param shardBytes of each
   */
  public record Shape(int samples, int directories, int shards, int shardBytes) {
    static final Shape QUICKSTART = new Shape(1000, 10, 2, 32 << 20);
    private static final int SAMPLES_MAX = 10_000_000;
    private static final int SHARDS_MAX = 1_000;

    public Shape {
      if (samples < 1 || samples > SAMPLES_MAX) {
        throw new IllegalArgumentException(
            "there must be 1 to " + SAMPLES_MAX + " files, not " + samples);
      }
      if (directories < 1 || directories > samples || shards < 1 || shards > SHARDS_MAX) {
        throw new IllegalArgumentException(
            "bad training set: " + directories + " directories, " + shards + " shards");
      }
      if (shardBytes < RECORD_BYTES_MAX) {
        throw new IllegalArgumentException(
            "a shard has at least " + RECORD_BYTES_MAX + " bytes, not " + shardBytes);
      }
    }
  }

  /**
   * One file.
   *
   * @param number from 0
   * @param name relative to the set's directory
   * @param checksum CRC32C of its bytes
   */
  public record Sample(int number, String name, int bytes, int checksum) {
    /** All of it. */
    Part whole() {
      return new Part(this, 0, bytes, checksum);
    }
  }

  /**
   * What is read at once.
   *
   * @param checksum CRC32C of the part's bytes
   */
  public record Part(Sample sample, int offset, int bytes, int checksum) {
    boolean isWhole() {
      return bytes == sample.bytes;
    }
  }

  public TrainingSet(long seed, Shape shape) {
    this.shape = shape;
    this.seed = seed;
    Random random = new Random(seed);
    Content content = content();
    int perDirectory = (shape.samples + shape.directories - 1) / shape.directories;
    for (int i = 0; i < shape.samples; i++) {
      String name = "class-%02d/sample-%03d".formatted(i / perDirectory, i % perDirectory);
      add(name, sampleBytes(random), content);
    }
    for (int i = 0; i < shape.shards; i++) {
      add("shards/shard-" + i, shape.shardBytes, content);
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

  /** Small and large files. */
  public List<Sample> samples() {
    return List.copyOf(samples);
  }

  /** Each small file. */
  public List<Part> wholeSamples() {
    return samples.subList(0, shape.samples).stream().map(Sample::whole).toList();
  }

  /** Each large file. */
  public List<Part> wholeShards() {
    return samples.subList(shape.samples, samples.size()).stream().map(Sample::whole).toList();
  }

  /** The large files cut into records of 128 KiB to 1 MiB, but for the last of each. */
  public List<Part> records() {
    Random random = new Random(~seed);
    Content content = content();
    List<Part> records = new ArrayList<>();
    for (Sample shard : samples.subList(shape.samples, samples.size())) {
      int steps = (RECORD_BYTES_MAX - RECORD_BYTES_MIN) / RECORD_STEP_BYTES + 1;
      for (int at = 0; at < shard.bytes; ) {
        int wanted = RECORD_BYTES_MIN + random.nextInt(steps) * RECORD_STEP_BYTES;
        int bytes = Math.min(wanted, shard.bytes - at);
        records.add(new Part(shard, at, bytes, checksum(shard, at, bytes, content)));
        at += bytes;
      }
    }
    return records;
  }

  /** Content is made in pieces, of which a part may have to do with two. */
  private static int checksum(Sample sample, int offset, int bytes, Content content) {
    CRC32C crc = new CRC32C();
    for (int at = offset; at < offset + bytes; ) {
      int piece = at - at % PIECE_BYTES;
      int pieceEnd = Math.min(offset + bytes, piece + PIECE_BYTES);
      crc.update(content.piece(sample.number, piece, pieceEnd - piece).position(at - piece));
      at = pieceEnd;
    }
    return (int) crc.getValue();
  }

  /** Of all files together. */
  public long bytes() {
    return samples.stream().mapToLong(Sample::bytes).sum();
  }

  /** Tells a complete copy of this set from all others. */
  String label() {
    return "curvefs training set, seed " + seed + ", " + shape + "\n";
  }
}
