package io.curvefs.space.device.local;

import io.curvefs.space.device.DeviceTimeoutException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that wait for the kernel in place of the caller. A system call on a dead disk or file
 * server cannot be ended; its thread then stays in it, and the caller goes after the bound. When
 * all threads are stuck, callers wait for one, within their bound.
 */
final class Lanes {
  /** A call that may block. */
  @FunctionalInterface
  interface Call<T> {
    T run() throws IOException;
  }

  private static final int LANES = 64;
  private static final long IDLE_SECONDS = 10;

  private final String device;
  private final long timeoutNanos;
  private final Semaphore free = new Semaphore(LANES);
  private final ThreadPoolExecutor threads;

  Lanes(String device, Duration timeout) {
    this.device = device;
    this.timeoutNanos = timeout.toNanos();
    this.threads =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE, // bounded by the permits
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            named());
  }

  private static ThreadFactory named() {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, "volume-io-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** Runs a call on another thread and waits for it. */
  <T> T run(String what, Call<T> call) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      long deadline = System.nanoTime() + timeoutNanos;
      FutureTask<T> task =
          new FutureTask<>(
              () -> {
                try {
                  return call.run();
                } finally {
                  free.release();
                }
              });
      boolean started = false;
      while (true) {
        try {
          long left = deadline - System.nanoTime();
          if (!started) {
            if (!free.tryAcquire(left, TimeUnit.NANOSECONDS)) {
              throw timeout(what + " found " + LANES + " operations stuck before it");
            }
            threads.execute(task);
            started = true;
          }
          return task.get(left, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (TimeoutException e) {
          throw timeout(what + " did not end");
        } catch (ExecutionException e) {
          throw seenByCaller(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Begins a call that does not block, in the caller's thread; false when it may not. */
  boolean tryEnter() {
    return free.tryAcquire();
  }

  /** Ends it. */
  void leave() {
    free.release();
  }

  private DeviceTimeoutException timeout(String what) {
    return new DeviceTimeoutException(
        device
            + ": "
            + what
            + " within "
            + TimeUnit.NANOSECONDS.toSeconds(timeoutNanos)
            + " s. Look for a dead disk or file server in the kernel's log (dmesg).");
  }

  private static IOException seenByCaller(ExecutionException e) {
    return e.getCause() instanceof IOException failure
        ? new IOException(failure.getMessage(), failure)
        : new IOException("unexpected: " + e.getCause(), e);
  }

  /** Waits until all calls have ended, at most for the bound, and says whether they have. */
  boolean end() {
    boolean interrupted = Thread.interrupted();
    long deadline = System.nanoTime() + timeoutNanos;
    try {
      while (true) {
        try {
          boolean idle = free.tryAcquire(LANES, deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
          threads.shutdown();
          return idle;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
