package io.curvefs.client.accesslog;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes records to a file, by a thread of its own. Whoever adds a record never waits: what the
 * queue or the disk does not take is dropped and counted. A file that is full becomes {@code
 * FILE.1}, in place of an older one. Thread-safe.
 */
public final class AccessLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AccessLog.class);
  private static final long FILE_BYTES_MAX = 300L << 20;
  static final int QUEUE_MAX = 16_384;
  private static final int BATCH_MAX = 1024;
  private static final int CLOSE_SECONDS_MAX = 10;

  /** After a failure, before the file is tried again. */
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Ends the writing thread. */
  private static final AccessRecord END =
      new AccessRecord(Instant.EPOCH, 0, 0, 0, "end", 0, "", AccessRecord.OK, 0);

  private final Path file;
  private final long bytesMax;
  private final Opener opener;
  private final BlockingQueue<AccessRecord> queue = new ArrayBlockingQueue<>(QUEUE_MAX);
  private final LongAdder lines = new LongAdder();
  private final LongAdder dropped = new LongAdder();
  private final Thread thread;

  /** Of the writing thread: the file while it can be written to, and how long it is. */
  private @Nullable OutputStream out;

  private long bytes;
  private boolean failing;
  private long failedAt;

  /** Opens a file to append to, creating it when absent. */
  @FunctionalInterface
  interface Opener {
    OutputStream open(Path file) throws IOException;
  }

  AccessLog(Path file, long bytesMax, Opener opener) throws IOException {
    this.file = file;
    this.bytesMax = bytesMax;
    this.opener = opener;
    this.out = open();
    this.thread = new DefaultThreadFactory("access-log", true).newThread(this::write);
    thread.start();
  }

  /**
   * Opens a log; what the file holds already stays in it.
   *
   * @throws IOException when the file cannot be written
   */
  public static AccessLog open(Path file) throws IOException {
    return new AccessLog(file, FILE_BYTES_MAX, AccessLog::append);
  }

  /** Names of files are the users' own business: only the mounting user may read them. */
  private static OutputStream append(Path file) throws IOException {
    return Channels.newOutputStream(
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
  }

  private OutputStream open() throws IOException {
    OutputStream opened = opener.open(file);
    bytes = Files.exists(file) ? Files.size(file) : 0;
    return opened;
  }

  public Path file() {
    return file;
  }

  /** Adds a record, unless there is no room for it. */
  public void add(AccessRecord access) {
    if (!queue.offer(access)) {
      dropped.increment();
    }
  }

  /** Lines that were written. */
  public long lines() {
    return lines.sum();
  }

  /** Records that were not. */
  public long dropped() {
    return dropped.sum();
  }

  private void write() {
    List<AccessRecord> batch = new ArrayList<>(BATCH_MAX);
    boolean more = true;
    while (more) {
      try {
        batch.add(queue.take());
      } catch (InterruptedException e) {
        return; // nobody interrupts this thread but the end of the process
      }
      queue.drainTo(batch, BATCH_MAX - 1);
      more = !batch.remove(END);
      write(batch);
      batch.clear();
    }
    closeFile();
  }

  private void write(List<AccessRecord> batch) {
    if (out == null && failing && System.nanoTime() - failedAt < PAUSE_NANOS) {
      dropped.add(batch.size());
      return;
    }
    StringBuilder text = new StringBuilder();
    batch.forEach(access -> text.append(access).append('\n'));
    byte[] encoded = text.toString().getBytes(StandardCharsets.UTF_8);
    try {
      OutputStream to = out == null ? open() : out;
      out = to;
      to.write(encoded);
      bytes += encoded.length;
      lines.add(batch.size());
      failing = false;
    } catch (IOException e) {
      dropped.add(batch.size());
      failed("cannot be written", e);
      return;
    }
    if (bytes >= bytesMax) {
      makeWay();
    }
  }

  /** The next line begins a new file. */
  private void makeWay() {
    closeFile();
    try {
      Files.move(
          file, file.resolveSibling(file.getFileName() + ".1"), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      failed("is full and cannot be renamed", e);
    }
  }

  /** For a while every line is dropped. */
  private void failed(String what, IOException why) {
    if (!failing) {
      log.warn("the access log {} {}, its lines are dropped: {}", file, what, why.toString());
    }
    failing = true;
    failedAt = System.nanoTime();
    closeFile();
  }

  private void closeFile() {
    try {
      if (out != null) {
        out.close();
      }
    } catch (IOException e) {
      log.warn("the access log {} was not closed in order: {}", file, e.toString());
    }
    out = null;
  }

  /** Waits a while for what was added before. */
  @Override
  public void close() {
    try {
      if (queue.offer(END, CLOSE_SECONDS_MAX, TimeUnit.SECONDS)) {
        thread.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS_MAX));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
