package io.curvefs.client.quickstart;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.curvefs.client.bench.Content;
import io.curvefs.client.bench.Crew;
import io.curvefs.client.bench.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/**
 * A training set in a directory. A file beside the samples says that they are complete. Threads
 * share the work; one caller at a time.
 */
public final class TrainingCopy implements AutoCloseable {
  private static final String COMPLETE = ".complete";

  private final TrainingSet set;
  private final Path directory;
  private final int threads;
  private final Crew crew = new Crew();
  private final List<ByteBuffer> buffers = new ArrayList<>();

  public TrainingCopy(TrainingSet set, Path directory, int threads) {
    this.set = set;
    this.directory = directory;
    this.threads = threads;
    for (int i = 0; i < threads; i++) {
      buffers.add(ByteBuffer.allocateDirect(TrainingSet.PIECE_BYTES));
    }
  }

  /** An earlier run has written it to its end. */
  public boolean isComplete() throws IOException {
    Path mark = directory.resolve(COMPLETE);
    return Files.exists(mark) && Files.readString(mark).equals(set.label());
  }

  List<Path> files() {
    return set.samples().stream().map(sample -> directory.resolve(sample.name())).toList();
  }

  /** Writes every file anew; returns seconds. */
  public double write() throws IOException {
    for (TrainingSet.Sample sample : set.samples()) {
      Files.createDirectories(directory.resolve(sample.name()).getParent());
    }
    List<Content> contents = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      contents.add(set.content());
    }
    double seconds =
        share("writing", set.samples(), (thread, sample) -> write(sample, contents.get(thread)));
    Files.writeString(directory.resolve(COMPLETE), set.label());
    return seconds;
  }

  private void write(TrainingSet.Sample sample, Content content) throws IOException {
    Path file = directory.resolve(sample.name());
    try (FileChannel channel = FileChannel.open(file, CREATE, TRUNCATE_EXISTING, WRITE)) {
      for (int at = 0; at < sample.bytes(); at += TrainingSet.PIECE_BYTES) {
        int length = Math.min(TrainingSet.PIECE_BYTES, sample.bytes() - at);
        ByteBuffer piece = content.piece(sample.number(), at, length);
        while (piece.hasRemaining()) {
          channel.write(piece);
        }
      }
    }
  }

  /**
   * Reads every file once, shuffled; returns seconds.
   *
   * @throws IOException naming the first file whose content is wrong
   */
  public double read(long shuffle) throws IOException {
    List<TrainingSet.Sample> order = new ArrayList<>(set.samples());
    Collections.shuffle(order, new Random(shuffle));
    return share("reading", order, (thread, sample) -> read(sample, buffers.get(thread)));
  }

  private void read(TrainingSet.Sample sample, ByteBuffer buffer) throws IOException {
    CRC32C crc = new CRC32C();
    Path file = directory.resolve(sample.name());
    try (FileChannel channel = FileChannel.open(file, READ)) {
      while (channel.read(buffer.clear()) >= 0) {
        crc.update(buffer.flip());
      }
    }
    if ((int) crc.getValue() != sample.checksum()) {
      throw new IOException(
          "%s reads back wrong: CRC32C %08x instead of %08x; delete %s to have it written again"
              .formatted(file, (int) crc.getValue(), sample.checksum(), directory));
    }
  }

  /** What one thread does with one file. */
  @FunctionalInterface
  private interface Step {
    void run(int thread, TrainingSet.Sample sample) throws IOException;
  }

  private double share(String what, List<TrainingSet.Sample> order, Step step) throws IOException {
    AtomicInteger next = new AtomicInteger();
    try (Progress progress = Progress.onStandardError(what, order.size())) {
      return crew.run(
          threads,
          thread -> {
            int index;
            while ((index = next.getAndIncrement()) < order.size()) {
              step.run(thread, order.get(index));
              progress.advance();
            }
          });
    }
  }

  @Override
  public void close() {
    crew.close();
  }
}
