package io.curvefs.e2e.testing;

import io.curvefs.rpc.testing.FreePorts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A real memcached on a free port of loopback. */
public final class Memcached implements AutoCloseable {
  private static final Duration START_MAX = Duration.ofSeconds(20);

  private final int port;
  private final List<String> options;
  private Process process;

  private Memcached(int port, List<String> options) {
    this.port = port;
    this.options = options;
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    restart();
  }

  /**
   * @param options of the command besides where it listens, such as {@code -m}, {@code 64}
   */
  public static Memcached start(String... options) {
    if (Shell.run("bash", "-c", "command -v memcached").exit() != 0) {
      throw new AssertionError("memcached is missing: run bin/install-packages test");
    }
    return new Memcached(FreePorts.one(), List.of(options));
  }

  /** Starts it, empty, on the same port, after {@link #kill}. */
  public void restart() {
    List<String> command =
        new ArrayList<>(
            List.of(
                "memcached",
                "-l",
                "127.0.0.1",
                "-p",
                Integer.toString(port),
                "-U",
                "0",
                "-u",
                System.getProperty("user.name")));
    command.addAll(options);
    try {
      process =
          new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Await.until(
        "an answer of " + command,
        START_MAX,
        () -> {
          if (!process.isAlive()) {
            throw new AssertionError(command + " ended with status " + process.exitValue());
          }
          try {
            return !statistics().isEmpty();
          } catch (UncheckedIOException e) {
            return false;
          }
        });
  }

  /** {@code HOST:PORT}. */
  public String address() {
    return "127.0.0.1:" + port;
  }

  /** SIGKILL: as a crash. */
  public void kill() {
    process.destroyForcibly();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new AssertionError("memcached does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** SIGSTOP: it accepts and never answers. */
  public void suspend() {
    Shell.run("kill", "-STOP", process.pid()).ok();
    // A thread that runs on another processor may still answer: proc(5).
    Await.until(
        "memcached to stop",
        START_MAX,
        () ->
            Shell.tryBash(
                    Path.of("/proc/" + process.pid() + "/task"), "grep -L '^State:.T' */status")
                .out()
                .isEmpty());
  }

  /** SIGCONT. */
  public void resume() {
    Shell.run("kill", "-CONT", process.pid()).ok();
  }

  /** What the server itself counts, such as {@code cmd_set}, {@code get_hits}, {@code bytes}. */
  public long counted(String name) {
    return Long.parseLong(statistics().get(name));
  }

  private Map<String, String> statistics() {
    Map<String, String> values = new HashMap<>();
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout((int) START_MAX.toMillis());
      socket.getOutputStream().write("stats\r\n".getBytes(StandardCharsets.US_ASCII));
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      for (String line = in.readLine();
          line != null && line.startsWith("STAT ");
          line = in.readLine()) {
        String[] words = line.split(" ", 3);
        values.put(words[1], words[2]);
      }
      return values;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    if (process != null) {
      process.destroyForcibly();
    }
  }
}
