package io.curvefs.client.cli;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** For commands that go on until somebody has seen enough: Ctrl-C ends them with status 0. */
final class Interruptible {
  private Interruptible() {}

  /** What goes on. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  /** Waits for a moment of {@link System#nanoTime}. */
  static void pause(long untilNanos) throws IOException {
    try {
      TimeUnit.NANOSECONDS.sleep(untilNanos - System.nanoTime());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Runs the work; SIGINT or SIGTERM meanwhile ends the process in order. */
  static void run(Work work) throws IOException {
    Thread hook =
        new Thread(
            () -> {
              System.out.flush();
              Runtime.getRuntime().halt(0); // the JVM's own status would be 130
            },
            "end");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      work.run();
    } finally {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
  }
}
