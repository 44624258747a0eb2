package io.curvefs.space.device.flush;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Flushes one at a time. Callers that come while one is under way share the next: it begins after
 * their writes. One at a time also keeps a failure from being overlooked: whoever flushes after it
 * sees the epoch that it raised.
 */
public final class FlushTurns {

  /** One flush of the device. */
  @FunctionalInterface
  public interface Flush {
    /** Ends within the bound of an operation. */
    void run() throws IOException;
  }

  /** A flush that is under way or about to be, and its outcome. */
  private static final class Turn {
    private boolean done;
    private @Nullable IOException failure;
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();

  @GuardedBy("lock")
  private @Nullable Turn next;

  @GuardedBy("lock")
  private boolean running;

  /** Flushes, or waits for a flush that began after this call. */
  public void flush(Flush flush) throws IOException {
    lock.lock();
    try {
      Turn mine = next == null ? new Turn() : next;
      next = mine;
      while (running && !mine.done) {
        ended.awaitUninterruptibly();
      }
      if (!mine.done) {
        run(mine, flush);
      }
      if (mine.failure != null) {
        throw new IOException(mine.failure.getMessage(), mine.failure);
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void run(Turn turn, Flush flush) {
    running = true;
    next = null;
    IOException failure = null;
    lock.unlock();
    try {
      flush.run();
    } catch (IOException e) {
      failure = e;
    } catch (RuntimeException e) {
      failure = new IOException("a flush failed unexpectedly: " + e, e);
    } finally {
      lock.lock();
      turn.failure = failure;
      turn.done = true;
      running = false;
      ended.signalAll();
    }
  }
}
