package io.curvefs.e2e.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A process of ours in the background, with its log. */
public final class Daemon {
  private static final Duration START_MAX = Duration.ofSeconds(60);

  private final Process process;
  private final Path log;

  private Daemon(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts a curvefs command and waits for a line of its output.
   *
   * @param ready what the line begins with
   */
  public static Daemon start(Path log, String ready, List<Object> arguments) {
    try {
      Files.createDirectories(log.getParent());
      Files.deleteIfExists(log);
      List<String> command =
          Stream.concat(Stream.of(Checkout.CURVEFS), arguments.stream())
              .map(Object::toString)
              .toList();
      Process process =
          Checkout.process(command)
              .directory(Path.of("/").toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      Daemon daemon = new Daemon(process, log);
      Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
      Await.until(
          "the line '" + ready + "' of " + arguments,
          START_MAX,
          () -> {
            if (!process.isAlive()) {
              throw new AssertionError("it ended: " + daemon.log());
            }
            return daemon.log().lines().anyMatch(line -> line.startsWith(ready));
          });
      return daemon;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** SIGKILL: as a crash. */
  public void kill() {
    process.destroyForcibly();
    await();
  }

  /** SIGTERM. */
  public void stop() {
    process.destroy();
    await();
  }

  private void await() {
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("it does not end: " + log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
