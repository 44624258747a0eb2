package io.curvefs.client.warmup;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Whether a job is to end early. Whoever waits within a job waits here. Thread-safe. */
final class Stop {
  private static final long LOOK_MILLIS = 100;

  private final CountDownLatch asked = new CountDownLatch(1);

  /** Thrown where a job notices that it is to end. */
  static final class StoppedException extends InterruptedException {
    private static final long serialVersionUID = 1;
  }

  void ask() {
    asked.countDown();
  }

  boolean isAsked() {
    return asked.getCount() == 0;
  }

  void check() throws StoppedException {
    if (isAsked()) {
      throw new StoppedException();
    }
  }

  void pause(long nanos) throws InterruptedException {
    if (asked.await(nanos, TimeUnit.NANOSECONDS)) {
      throw new StoppedException();
    }
  }

  void acquire(Semaphore permits, int count) throws InterruptedException {
    while (!permits.tryAcquire(count, LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
      check();
    }
  }
}
