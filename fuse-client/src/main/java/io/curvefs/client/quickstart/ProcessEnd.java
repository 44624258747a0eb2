package io.curvefs.client.quickstart;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for processes to end. */
public final class ProcessEnd {
  private ProcessEnd() {}

  /**
   * Whether the process ended within the bound.
   *
   * @throws IOException when interrupted
   */
  public static boolean await(ProcessHandle process, Duration bound) throws IOException {
    try {
      process.onExit().get(bound.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
