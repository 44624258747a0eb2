package io.curvefs.client.bench;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The files of a plan in one directory, and what is done with them. Each thread has a directory and
 * buffers of its own.
 */
final class FileWork {
  private final Path directory;
  private final FilePlan plan;
  private final BenchOptions options;
  private final ByteBuffer[] readBuffers;

  /**
   * @param directory exists and is empty
   */
  FileWork(Path directory, FilePlan plan, BenchOptions options) throws IOException {
    this.directory = directory;
    this.plan = plan;
    this.options = options;
    readBuffers = new ByteBuffer[plan.threads()];
    for (int thread = 0; thread < plan.threads(); thread++) {
      readBuffers[thread] = ByteBuffer.allocateDirect(FilePlan.PIECE_BYTES);
      Files.createDirectory(home(thread));
    }
  }

  private Path home(int thread) {
    return directory.resolve("thread-" + thread);
  }

  private Path big(int thread) {
    return home(thread).resolve("big");
  }

  private Path small(int thread, int index) {
    return home(thread).resolve("small-" + index);
  }

  /** The files that an item is about. */
  List<Path> files(Item item) {
    List<Path> files = new ArrayList<>();
    for (int thread = 0; thread < plan.threads(); thread++) {
      if (item.big()) {
        files.add(big(thread));
      } else {
        for (int i = 0; i < options.smallFiles(); i++) {
          files.add(small(thread, i));
        }
      }
    }
    return files;
  }

  /** Operations of each thread. */
  int operations(Item item) {
    return item.big()
        ? Math.toIntExact(
            (options.bigFileBytes() + FilePlan.PIECE_BYTES - 1) / FilePlan.PIECE_BYTES)
        : options.smallFiles();
  }

  /** One thread's share. */
  void run(Item item, int thread, Latencies latencies) throws IOException {
    switch (item) {
      case BIG_WRITE -> writeBig(thread, latencies);
      case BIG_READ_COLD, BIG_READ_WARM -> readBig(thread, latencies);
      case SMALL_CREATE -> createSmall(thread, latencies);
      case SMALL_READ_COLD, SMALL_READ_WARM -> readSmall(thread, latencies);
      case SMALL_STAT -> statSmall(thread, latencies);
      case SMALL_DELETE -> deleteSmall(thread, latencies);
    }
  }

  private void writeBig(int thread, Latencies latencies) throws IOException {
    Content content = plan.content(thread);
    try (FileChannel channel = FileChannel.open(big(thread), CREATE_NEW, WRITE)) {
      for (long at = 0; at < options.bigFileBytes(); at += FilePlan.PIECE_BYTES) {
        int length = (int) Math.min(FilePlan.PIECE_BYTES, options.bigFileBytes() - at);
        ByteBuffer piece = content.piece(plan.big(thread), at, length);
        long began = System.nanoTime();
        writeAll(channel, piece);
        latencies.addSince(began);
      }
      channel.force(true);
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private void readBig(int thread, Latencies latencies) throws IOException {
    CRC32C crc = new CRC32C();
    ByteBuffer buffer = readBuffers[thread];
    try (FileChannel channel = FileChannel.open(big(thread), READ)) {
      while (true) {
        long began = System.nanoTime();
        int read = fill(channel, buffer);
        if (read == 0) {
          break;
        }
        latencies.addSince(began);
        crc.update(buffer);
      }
    }
    requireSame(big(thread), crc, plan.bigChecksum(thread));
  }

  /** Reads until the buffer is full or the file at its end, and flips the buffer. */
  private static int fill(FileChannel channel, ByteBuffer buffer) throws IOException {
    buffer.clear();
    while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
    return buffer.flip().remaining();
  }

  private static void requireSame(Path file, CRC32C found, int expected) throws IOException {
    if ((int) found.getValue() != expected) {
      throw new IOException(
          "%s reads back wrong: CRC32C %08x instead of %08x"
              .formatted(file, (int) found.getValue(), expected));
    }
  }

  private void createSmall(int thread, Latencies latencies) throws IOException {
    Content content = plan.content(thread);
    for (int i = 0; i < options.smallFiles(); i++) {
      long file = plan.small(thread, i);
      Path path = small(thread, i);
      long began = System.nanoTime();
      try (FileChannel channel = FileChannel.open(path, CREATE_NEW, WRITE)) {
        for (int at = 0; at < options.smallBytes(); at += FilePlan.PIECE_BYTES) {
          int length = Math.min(FilePlan.PIECE_BYTES, options.smallBytes() - at);
          writeAll(channel, content.piece(file, at, length));
        }
      }
      latencies.addSince(began);
    }
  }

  private void readSmall(int thread, Latencies latencies) throws IOException {
    ByteBuffer buffer = readBuffers[thread];
    for (int i = 0; i < options.smallFiles(); i++) {
      CRC32C crc = new CRC32C();
      Path path = small(thread, i);
      long began = System.nanoTime();
      try (FileChannel channel = FileChannel.open(path, READ)) {
        while (fill(channel, buffer) > 0) {
          crc.update(buffer);
        }
      }
      latencies.addSince(began);
      requireSame(path, crc, plan.smallChecksum(thread, i));
    }
  }

  private void statSmall(int thread, Latencies latencies) throws IOException {
    for (int i = 0; i < options.smallFiles(); i++) {
      Path path = small(thread, i);
      long began = System.nanoTime();
      long length = Files.readAttributes(path, BasicFileAttributes.class).size();
      latencies.addSince(began);
      if (length != options.smallBytes()) {
        throw new IOException(
            path + " has " + length + " bytes instead of " + options.smallBytes());
      }
    }
  }

  private void deleteSmall(int thread, Latencies latencies) throws IOException {
    for (int i = 0; i < options.smallFiles(); i++) {
      Path path = small(thread, i);
      long began = System.nanoTime();
      Files.delete(path);
      latencies.addSince(began);
    }
  }
}
