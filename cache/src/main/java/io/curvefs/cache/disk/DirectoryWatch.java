package io.curvefs.cache.disk;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps this process's view of one directory true: looks through it at start, then announces this
 * process every few seconds and, when others are there too, looks what they have changed. So every
 * process knows of all blocks and evicts for all of them; when one dies, there is nothing to take
 * over. Thread-safe.
 */
final class DirectoryWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DirectoryWatch.class);
  private static final Duration PERIOD = Duration.ofSeconds(5);
  private static final Duration STOP_MAX = Duration.ofSeconds(5);

  /** At no time that any change could be before. */
  private static final Presence.Others UNKNOWN = new Presence.Others(1, 0);

  private final CacheDirectory directory;
  private final DirectoryScan scan;
  private final BlockWriter writer;
  private final HangWatch hangs;
  private final Runnable onError;
  private final Thread thread;
  private final CountDownLatch complete = new CountDownLatch(1);

  @GuardedBy("this")
  private boolean failing;

  /**
   * @param onError told of each look that fails
   */
  DirectoryWatch(
      CacheDirectory directory,
      DirectoryScan scan,
      BlockWriter writer,
      HangWatch hangs,
      Runnable onError) {
    this.directory = directory;
    this.scan = scan;
    this.writer = writer;
    this.hangs = hangs;
    this.onError = onError;
    this.thread = new Thread(this::run, "curvefs-cache-watch");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void run() {
    try {
      while (true) {
        look();
        TimeUnit.NANOSECONDS.sleep(PERIOD.toNanos());
      }
    } catch (InterruptedException e) {
      leave();
    }
  }

  private void leave() {
    try {
      directory.presence().leave();
    } catch (IOException e) {
      // It falls silent, which says the same.
    }
  }

  /** On a disk that is full or read-only nothing is announced; somebody may be there then. */
  private Presence.Others announce() {
    try {
      Presence.Others others = hangs.call(directory.presence()::announce);
      writer.setOthers(others.count());
      return others;
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  /** Looks now. */
  synchronized void look() {
    try {
      Presence.Others others = announce();
      if (others.count() > 0 || !isComplete()) {
        scan.look(others.nowMillis());
      }
      writer.trim();
      complete.countDown();
      failing = false;
    } catch (InterruptedIOException | ClosedByInterruptException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      onError.run();
      if (!failing) {
        log.warn(
            "cannot look through {}; what is there is served, and looked for again: {}",
            directory.root(),
            e.toString());
      }
      failing = true;
    }
  }

  /** Whether all blocks of earlier processes have been found. */
  boolean isComplete() {
    return complete.getCount() == 0;
  }

  /** Waits for that; false if it takes too long. */
  boolean awaitComplete(Duration waitMax) throws InterruptedException {
    return complete.await(waitMax.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Waits for the last look, but not for a disk that hangs. */
  @Override
  public void close() {
    thread.interrupt();
    try {
      thread.join(STOP_MAX.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
