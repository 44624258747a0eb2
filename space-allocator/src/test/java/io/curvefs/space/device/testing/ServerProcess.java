package io.curvefs.space.device.testing;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A server that a test starts, kills, suspends and starts again. It ends with the test's JVM. */
public final class ServerProcess implements AutoCloseable {
  private static final long WAIT_NANOS = 20_000_000_000L;

  private final List<String> command;
  private final Path log;
  private final BooleanSupplier ready;
  private Process process;

  /**
   * @param log takes what it prints; shown when it does not start
   * @param ready whether it answers
   */
  public ServerProcess(List<String> command, Path log, BooleanSupplier ready) throws IOException {
    this.command = command;
    this.log = log;
    this.ready = ready;
    start();
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
  }

  /** Starts it, again after {@link #kill}, and waits until it answers. */
  public void start() throws IOException {
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
    } catch (IOException e) {
      throw new AssertionError(
          command.get(0) + " cannot be run: bin/install-packages test installs it", e);
    }
    await("an answer of " + command, ready);
  }

  private void await(String what, BooleanSupplier condition) throws IOException {
    long deadline = System.nanoTime() + WAIT_NANOS;
    while (!condition.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new AssertionError("waited for " + what + " in vain:\n" + Files.readString(log));
      }
      Thread.onSpinWait();
    }
  }

  /** SIGKILL: as a crash. */
  public void kill() {
    process.destroyForcibly();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new AssertionError(command.get(0) + " does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** SIGSTOP: the kernel still accepts connections, nobody answers. */
  public void suspend() throws IOException {
    signal("STOP");
    // A thread that runs on another processor may still answer: proc(5).
    await(command.get(0) + " to stop", this::isSuspended);
  }

  private boolean isSuspended() {
    try (DirectoryStream<Path> threads =
        Files.newDirectoryStream(Path.of("/proc/" + process.pid() + "/task"))) {
      for (Path thread : threads) {
        if (!Files.readString(thread.resolve("status")).contains("\nState:\tT")) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** SIGCONT. */
  public void resume() throws IOException {
    signal("CONT");
  }

  private void signal(String name) throws IOException {
    run("kill", "-" + name, Long.toString(process.pid()));
  }

  /** Runs a command to its end, and returns what it printed. */
  public static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(process.getInputStream().readAllBytes());
    try {
      if (process.waitFor() != 0) {
        throw new IOException(String.join(" ", command) + ": " + printed);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    return printed.strip();
  }

  /** Kills it if it still runs, suspended or not. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
