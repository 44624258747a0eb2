package io.curvefs.client.volume;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Transfers of one piece of work that run side by side, a few at a time. One thread, which ends
 * with {@link #await} whatever happens: nothing is under way then.
 */
final class InFlight {
  /** At a time: more does not make a device faster, and each takes its memory. */
  private static final int MAX = 4;

  private final Executor threads;
  private final Deque<FutureTask<@Nullable Void>> running = new ArrayDeque<>();
  private @Nullable IOException failure;

  InFlight(Executor threads) {
    this.threads = threads;
  }

  /** One of them. */
  @FunctionalInterface
  interface Transfer {
    void run() throws IOException;
  }

  /**
   * Begins a transfer, when enough others have ended.
   *
   * @throws IOException when an earlier one failed: this one is not begun
   */
  void begin(Transfer transfer) throws IOException {
    if (running.size() == MAX) {
      end(running.removeFirst());
    }
    if (failure != null) {
      throw failure;
    }
    FutureTask<@Nullable Void> task =
        new FutureTask<>(
            () -> {
              transfer.run();
              return null;
            });
    threads.execute(task);
    running.addLast(task);
  }

  /**
   * Waits for all.
   *
   * @throws IOException when one failed
   */
  void await() throws IOException {
    while (!running.isEmpty()) {
      end(running.removeFirst());
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Each ends within a bound: its device's, or that of a thread that is waited for. */
  private void end(FutureTask<@Nullable Void> task) {
    boolean interrupted = false;
    while (true) {
      try {
        task.get();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        if (failure == null) {
          failure = asFailure(e.getCause());
        }
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static IOException asFailure(@Nullable Throwable cause) {
    return cause instanceof IOException failure ? failure : new IOException("a defect", cause);
  }
}
