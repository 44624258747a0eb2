package io.curvefs.client.bench;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Threads that begin together. One caller at a time; {@link #close} from any thread. */
public final class Crew implements AutoCloseable {
  private static final int CLOSE_SECONDS_MAX = 10;

  private final ExecutorService threads = Executors.newCachedThreadPool();

  /** The share of one thread. */
  @FunctionalInterface
  public interface Task {
    void run(int member) throws Exception;
  }

  /**
   * Runs the task once for each member, all at the same time, and returns when all have ended. The
   * first failure interrupts the others.
   *
   * @return seconds from the common beginning to the end of the last
   */
  public double run(int members, Task task) throws IOException {
    CountDownLatch ready = new CountDownLatch(members);
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(members);
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    Thread[] running = new Thread[members];
    try {
      for (int i = 0; i < members; i++) {
        int member = i;
        threads.execute(
            () -> {
              running[member] = Thread.currentThread();
              ready.countDown();
              try {
                go.await();
                task.run(member);
              } catch (Throwable e) { // told to the caller
                if (failure.compareAndSet(null, e)) {
                  interruptOthers(running);
                }
              } finally {
                ended.countDown();
              }
            });
      }
      ready.await();
      long begin = System.nanoTime();
      go.countDown();
      ended.await();
      long end = System.nanoTime();
      rethrow(failure.get());
      return (end - begin) / 1e9;
    } catch (RejectedExecutionException | InterruptedException e) {
      throw (IOException) new InterruptedIOException("interrupted").initCause(e);
    }
  }

  private static void interruptOthers(Thread[] running) {
    for (Thread thread : running) {
      if (thread != Thread.currentThread()) {
        thread.interrupt();
      }
    }
  }

  private void rethrow(@Nullable Throwable failure) throws IOException {
    if (failure == null) {
      return;
    }
    if (threads.isShutdown()) {
      throw (IOException) new InterruptedIOException("interrupted").initCause(failure);
    }
    if (failure instanceof IOException e) {
      throw e;
    }
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    throw new IllegalStateException(failure);
  }

  /** Interrupts whoever still works and waits a while for them. May be repeated. */
  @Override
  public void close() {
    threads.shutdownNow();
    try {
      threads.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
