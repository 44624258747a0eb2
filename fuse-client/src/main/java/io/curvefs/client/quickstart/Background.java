package io.curvefs.client.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A curvefs command that outlives us. Its process id stands in a file; a process that does not have
 * its command line is somebody else's, whatever the file says.
 */
final class Background {
  private static final String MAIN_CLASS = "io.curvefs.client.cli.Curvefs";
  private static final Duration TERMINATE_MAX = Duration.ofSeconds(20);
  private static final Duration KILL_MAX = Duration.ofSeconds(10);
  private static final int LOG_TAIL_LINES = 1;

  private final String title;
  private final String name;
  private final List<String> command;
  private final Layout layout;

  /** The one that we started ourselves, which is a shell for its first moments. */
  private @Nullable Process started;

  /**
   * @param title for people, such as "the S3 store"
   * @param name of its files
   * @param command subcommand of curvefs and its arguments, which tell it from all others
   */
  Background(String title, String name, List<String> command, Layout layout) {
    this.title = title;
    this.name = name;
    this.command = List.copyOf(command);
    this.layout = layout;
  }

  String title() {
    return title;
  }

  Path log() {
    return layout.log(name);
  }

  /** Its process, if it lives. */
  Optional<ProcessHandle> running() throws IOException {
    long pid;
    try {
      pid = Long.parseLong(Files.readString(layout.pid(name)).strip());
    } catch (NoSuchFileException | NumberFormatException e) {
      return Optional.empty();
    }
    return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).filter(this::isOurs);
  }

  private boolean isOurs(ProcessHandle process) {
    try {
      String line =
          Files.readString(
              Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.UTF_8);
      List<String> arguments = List.of(line.split("\0"));
      int main = arguments.indexOf(MAIN_CLASS);
      return main >= 0
          && Collections.indexOfSubList(arguments.subList(main, arguments.size()), command) == 1;
    } catch (IOException e) {
      return false; // gone, or not ours to look at
    }
  }

  /** Starts it in a session of its own, so that no terminal ends it. */
  void start(Home home) throws IOException {
    ProcessBuilder builder = new ProcessBuilder("setsid", home.curvefs());
    builder.command().addAll(command);
    Process process =
        builder
            .directory(Path.of("/").toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .start();
    started = process;
    remember(process.pid());
  }

  boolean hasEnded() throws IOException {
    return started != null ? !started.isAlive() : running().isEmpty();
  }

  void remember(long pid) throws IOException {
    Files.writeString(layout.pid(name), pid + "\n");
  }

  void forget() throws IOException {
    Files.deleteIfExists(layout.pid(name));
  }

  /** What it said last. */
  String lastWords() {
    try {
      List<String> lines = Files.readAllLines(log(), StandardCharsets.ISO_8859_1);
      return String.join(
          " ", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
    } catch (IOException e) {
      return "";
    }
  }

  /** How a process ended. */
  enum Ending {
    NOT_RUNNING,
    IN_ORDER,
    KILLED
  }

  /** Ends it: asks first, then kills. */
  Ending stop() throws IOException {
    Optional<ProcessHandle> process = running();
    if (process.isEmpty()) {
      forget();
      return Ending.NOT_RUNNING;
    }
    process.get().destroy();
    Ending ending = Ending.IN_ORDER;
    if (!ProcessEnd.await(process.get(), TERMINATE_MAX)) {
      ending = Ending.KILLED;
      process.get().destroyForcibly();
      if (!ProcessEnd.await(process.get(), KILL_MAX)) {
        throw new IOException(title + " (process " + process.get().pid() + ") cannot be killed");
      }
    }
    forget();
    return ending;
  }
}
