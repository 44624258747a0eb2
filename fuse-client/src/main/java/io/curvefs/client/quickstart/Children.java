package io.curvefs.client.quickstart;

import io.curvefs.rpc.Deadline;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Processes that end with us. Each has a session of its own, so that Ctrl-C reaches us alone and we
 * end them in order. Thread-safe; closed from any thread.
 */
public final class Children implements AutoCloseable {
  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final Duration END_MAX = Duration.ofSeconds(10);
  private static final long POLL_MILLIS = 50;
  private static final int LAST_WORDS_MAX = 2_000;

  private final Path logs;
  private final Deque<Process> running = new ArrayDeque<>();
  private boolean closed;

  /**
   * @param logs directory of what each process says
   */
  public Children(Path logs) {
    this.logs = logs;
  }

  /** Starts a server and returns once it answers at its port of the loopback address. */
  public Process serve(String name, int port, List<String> command) throws IOException {
    Path log = logs.resolve(name + ".log");
    Process process = start(command, log, log);
    Deadline deadline = Deadline.in(START_MAX);
    while (!Ports.answers(port)) {
      if (!process.isAlive()) {
        throw new IOException("the " + name + " did not start: " + lastWords(log));
      }
      if (deadline.hasPassed()) {
        throw new IOException(
            "the " + name + " does not answer at port " + port + ": " + lastWords(log));
      }
      pause(POLL_MILLIS);
    }
    return process;
  }

  /**
   * How a command ended.
   *
   * @param text its standard output
   */
  public record Ended(int status, String text) {}

  /**
   * Runs a command to its end.
   *
   * @return its standard output
   * @throws IOException with what it said, if it fails or takes longer
   */
  public String run(Duration max, List<String> command) throws IOException {
    return run(max, 0, command).text();
  }

  /**
   * Runs a command that may end with that status or a lower one.
   *
   * @throws IOException with what it said, if it fails otherwise or takes longer
   */
  public Ended run(Duration max, int statusMax, List<String> command) throws IOException {
    Path out = Files.createTempFile(logs, "command-", ".out");
    Path errors = Files.createTempFile(logs, "command-", ".err");
    try {
      Process process = start(command, out, errors);
      if (!ended(process, max)) {
        throw new IOException(
            "'" + String.join(" ", command) + "' takes more than " + max.toSeconds() + " s");
      }
      if (process.exitValue() > statusMax) {
        throw new IOException(
            "'" + String.join(" ", command) + "' failed: " + lastWords(errors) + lastWords(out));
      }
      return new Ended(process.exitValue(), Files.readString(out));
    } finally {
      Files.deleteIfExists(out);
      Files.deleteIfExists(errors);
    }
  }

  private synchronized Process start(List<String> command, Path out, Path errors)
      throws IOException {
    if (closed) {
      throw new InterruptedIOException("the benchmark is ending");
    }
    running.removeIf(process -> !process.isAlive());
    List<String> detached = new ArrayList<>(List.of("setsid", "--wait"));
    detached.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(detached)
            .directory(Path.of("/").toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectOutput(out.toFile());
    if (out.equals(errors)) {
      builder.redirectErrorStream(true);
    } else {
      builder.redirectError(errors.toFile());
    }
    Process process = builder.start();
    running.push(process);
    return process;
  }

  private static boolean ended(Process process, Duration max) throws IOException {
    try {
      return process.waitFor(max.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  public static void pause(long millis) throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static IOException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return (IOException) new InterruptedIOException("interrupted").initCause(e);
  }

  private static String lastWords(Path log) throws IOException {
    String text = Files.readString(log, StandardCharsets.ISO_8859_1).strip();
    return text.substring(Math.max(0, text.length() - LAST_WORDS_MAX));
  }

  /** Ends whatever still runs, what began last first. May be repeated. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    while (!running.isEmpty()) {
      Process process = running.pop();
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
      if (!ended(process, END_MAX)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        ended(process, END_MAX); // it may hold files that are to be removed
      }
    }
  }
}
