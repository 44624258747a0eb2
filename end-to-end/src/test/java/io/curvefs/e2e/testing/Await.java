package io.curvefs.e2e.testing;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits for something that happens in another process. */
public final class Await {
  private static final Duration LOOK_EVERY = Duration.ofMillis(50);

  private Await() {}

  public static void until(String what, Duration bound, Callable<Boolean> condition) {
    long end = System.nanoTime() + bound.toNanos();
    while (true) {
      try {
        if (condition.call()) {
          return;
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Exception e) {
        throw new AssertionError(e);
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("waited " + bound + " for " + what);
      }
      LockSupport.parkNanos(LOOK_EVERY.toNanos());
    }
  }
}
