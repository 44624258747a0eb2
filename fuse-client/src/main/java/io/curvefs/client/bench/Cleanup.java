package io.curvefs.client.bench;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a measurement has opened: closed at its end, or when the process is ended before that, the
 * newest first. Thread-safe.
 */
public final class Cleanup implements AutoCloseable {
  @GuardedBy("this")
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private final Consumer<String> log;
  private final Thread hook = new Thread(this::closeAtExit, "cleanup");

  /**
   * @param log is told what remains when the process ends
   */
  public Cleanup(Consumer<String> log) {
    this.log = log;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Takes over the duty to close it. */
  public synchronized <T extends AutoCloseable> T add(T resource) {
    open.push(resource);
    return resource;
  }

  private void closeAtExit() {
    try {
      closeAll();
    } catch (IOException e) { // the process ends all the same
      log.accept("curvefs: not all of the benchmark could be removed: " + e.getMessage());
    }
  }

  private synchronized void closeAll() throws IOException {
    @Nullable IOException failure = null;
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) { // the others are to be closed all the same
        failure = e instanceof IOException known ? known : new IOException(e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /**
   * Closes everything. May be repeated.
   *
   * @throws IOException what the last to fail failed with
   */
  @Override
  public void close() throws IOException {
    closeAll();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the process is ending already
    }
  }
}
