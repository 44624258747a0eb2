package io.curvefs.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/** Threads that start together and whose outcome is seen. */
public final class Threads {
  private Threads() {}

  /** Runs the work of threads 0 to count - 1 at once; what they return, in order. */
  public static <T> List<T> runAll(int count, IntFunction<Callable<T>> work) throws Exception {
    List<Future<T>> futures = startAll(count, work);
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(future.get(30, TimeUnit.SECONDS));
    }
    return results;
  }

  public static <T> List<Future<T>> startAll(int count, IntFunction<Callable<T>> work) {
    ExecutorService threads = Executors.newFixedThreadPool(count);
    CyclicBarrier start = new CyclicBarrier(count);
    List<Future<T>> futures = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Callable<T> mine = work.apply(i);
      futures.add(
          threads.submit(
              () -> {
                start.await();
                return mine.call();
              }));
    }
    threads.shutdown();
    return futures;
  }

  public static Throwable failureOf(Future<?> future) throws Exception {
    try {
      future.get(30, TimeUnit.SECONDS);
      throw new AssertionError("it did not fail");
    } catch (ExecutionException e) {
      return e.getCause();
    }
  }

  /** Waits until another thread opens the latch. */
  public static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).as("the latch was opened").isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Spins until another thread has brought the condition about. */
  public static void until(BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      Thread.onSpinWait();
      Thread.yield();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }
  }
}
