package io.curvefs.e2e.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs commands as a user would, within a bound. */
public final class Shell {
  private static final int SECONDS_MAX = 300;

  private Shell() {}

  /** How a command ended and what it said. */
  public record Result(int exit, String out, String err) {
    /** Fails the test unless the command succeeded. */
    public Result ok() {
      assertThat(exit).as("exit status; out: %s; err: %s", out, err).isZero();
      return this;
    }

    /** Fails the test unless the command failed with a single line on standard error. */
    public String oneLineError() {
      assertThat(exit).as("exit status; out: %s; err: %s", out, err).isNotZero();
      assertThat(err.strip().lines()).as("standard error").hasSize(1);
      return err.strip();
    }
  }

  /** Runs a program with its arguments. */
  public static Result run(Object... command) {
    return start(Path.of("/"), List.of(command));
  }

  /** Runs a script with bash in a directory; fails the test when it fails. */
  public static String bash(Path directory, String script) {
    return start(directory, List.of("bash", "-euo", "pipefail", "-c", script)).ok().out;
  }

  /** Runs a script with bash in a directory. */
  public static Result tryBash(Path directory, String script) {
    return start(directory, List.of("bash", "-uo", "pipefail", "-c", script));
  }

  private static Result start(Path directory, List<?> command) {
    try {
      Path out = Files.createTempFile("curvefs-e2e", ".out");
      Path err = Files.createTempFile("curvefs-e2e", ".err");
      try {
        Process process =
            Checkout.process(command.stream().map(Object::toString).toList())
                .directory(directory.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
          throw new AssertionError(command + " did not end within " + SECONDS_MAX + " s");
        }
        return new Result(process.exitValue(), read(out), read(err));
      } finally {
        Files.delete(out);
        Files.delete(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }
}
