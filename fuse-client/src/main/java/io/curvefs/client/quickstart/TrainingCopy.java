package io.curvefs.client.quickstart;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.curvefs.client.bench.Content;
import io.curvefs.client.bench.Crew;
import io.curvefs.client.bench.Progress;
import io.curvefs.client.quickstart.TrainingSet.Part;
import io.curvefs.client.quickstart.TrainingSet.Sample;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

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

  /** Every file of it. */
  public List<Path> files() {
    return set.samples().stream().map(sample -> directory.resolve(sample.name())).toList();
  }

  /** Writes every file anew; returns seconds. */
  public double write() throws IOException {
    for (Sample sample : set.samples()) {
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

  private void write(Sample sample, Content content) throws IOException {
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
    Epoch epoch = read(shuffled(set.samples().stream().map(Sample::whole).toList(), shuffle));
    if (epoch.firstWrong() != null) {
      throw new IOException(
          "%s reads back wrong; delete %s to have it written again"
              .formatted(directory.resolve(epoch.firstWrong().sample().name()), directory));
    }
    return epoch.seconds();
  }

  /** In an order that follows from a seed. */
  public static List<Part> shuffled(List<Part> parts, long shuffle) {
    List<Part> order = new ArrayList<>(parts);
    Collections.shuffle(order, new Random(shuffle));
    return order;
  }

  /**
   * What came of reading.
   *
   * @param wrongBytes of parts whose checksum was not theirs
   * @param firstWrong of these parts; null: none
   */
  public record Epoch(double seconds, long wrongBytes, @Nullable Part firstWrong) {}

  /**
   * Reads parts in their order, each by the next thread that is free. A whole file is opened for
   * itself; one that is read in parts stays open to the end.
   */
  public Epoch read(List<Part> order) throws IOException {
    LongAdder wrongBytes = new LongAdder();
    AtomicReference<@Nullable Part> firstWrong = new AtomicReference<>();
    List<Map<Path, FileChannel>> open = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      open.add(new HashMap<>());
    }
    double seconds;
    try {
      seconds =
          share(
              "reading",
              order,
              (thread, part) -> {
                if (!isRight(part, buffers.get(thread), open.get(thread))) {
                  wrongBytes.add(part.bytes());
                  firstWrong.compareAndSet(null, part);
                }
              });
    } finally {
      for (Map<Path, FileChannel> channels : open) {
        for (FileChannel channel : channels.values()) {
          channel.close();
        }
      }
    }
    return new Epoch(seconds, wrongBytes.sum(), firstWrong.get());
  }

  private boolean isRight(Part part, ByteBuffer buffer, Map<Path, FileChannel> open)
      throws IOException {
    Path file = directory.resolve(part.sample().name());
    if (part.isWhole()) {
      try (FileChannel channel = FileChannel.open(file, READ)) {
        return isRight(part, buffer, channel) && channel.size() == part.bytes();
      }
    }
    FileChannel channel = open.get(file);
    if (channel == null) {
      channel = FileChannel.open(file, READ);
      open.put(file, channel);
    }
    return isRight(part, buffer, channel);
  }

  private static boolean isRight(Part part, ByteBuffer buffer, FileChannel channel)
      throws IOException {
    CRC32C crc = new CRC32C();
    for (int done = 0; done < part.bytes(); ) {
      buffer.clear().limit(Math.min(buffer.capacity(), part.bytes() - done));
      int read = channel.read(buffer, (long) part.offset() + done);
      if (read < 0) {
        return false;
      }
      crc.update(buffer.flip());
      done += read;
    }
    return (int) crc.getValue() == part.checksum();
  }

  /** What one thread does with one of several things. */
  @FunctionalInterface
  private interface Step<T> {
    void run(int thread, T thing) throws IOException;
  }

  private <T> double share(String what, List<T> order, Step<T> step) throws IOException {
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
