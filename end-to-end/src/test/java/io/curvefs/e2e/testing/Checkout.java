package io.curvefs.e2e.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The checkout under test and the commands in it. They run from jars of this test's own, so that
 * building again meanwhile takes no class away from them.
 */
public final class Checkout {
  public static final Path HOME = find();
  public static final Path CURVEFS = HOME.resolve("bin/curvefs");
  public static final Path MOUNT = HOME.resolve("bin/mount.curvefs");
  private static final Path LIBRARIES = collectLibraries();

  /** Processes of tests live for seconds: optimizing them takes longer than it saves. */
  private static final String FEW_COMPILATIONS = "-XX:TieredStopAtLevel=1";

  private Checkout() {}

  private static Path find() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isExecutable(at.resolve("bin/curvefs"))) {
      at = at.getParent();
      if (at == null) {
        throw new AssertionError("run from within the checkout");
      }
    }
    return at;
  }

  /** A command that uses the jars under test. */
  public static ProcessBuilder process(List<String> command) {
    ProcessBuilder process = new ProcessBuilder(command);
    process.environment().put("CURVEFS_LIB", LIBRARIES.toString());
    process.environment().put("CURVEFS_JAVA_FLAGS", FEW_COMPILATIONS);
    return process;
  }

  private static Path collectLibraries() {
    Path built = HOME.resolve("fuse-client/target");
    try {
      Path libraries = Files.createTempDirectory(built, "lib-under-test-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(libraries)));
      for (Path jar : jars(built.resolve("lib"))) {
        link(jar, libraries);
      }
      for (Path jar : jars(built)) {
        Files.copy(jar, libraries.resolve(jar.getFileName()));
      }
      return libraries;
    } catch (IOException e) {
      throw new UncheckedIOException("package fuse-client first", e);
    }
  }

  private static List<Path> jars(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".jar")).toList();
    }
  }

  /** Maven writes our own jars in place; those of others stay. */
  private static void link(Path jar, Path directory) throws IOException {
    Path to = directory.resolve(jar.getFileName());
    if (jar.getFileName().toString().startsWith("curvefs-")) {
      Files.copy(jar, to);
      return;
    }
    try {
      Files.createLink(to, jar);
    } catch (FileSystemException | UnsupportedOperationException e) {
      Files.copy(jar, to);
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
