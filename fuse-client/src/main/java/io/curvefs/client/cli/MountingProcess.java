package io.curvefs.client.cli;

import io.curvefs.client.staging.SegmentDirectory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds the process of a mount that does not answer, by what it was started with; see proc(5). */
final class MountingProcess {
  private static final Path PROC = Path.of("/proc");

  private MountingProcess() {}

  /** The youngest process that mounts there: an older one's mount was taken out of the tree. */
  static Optional<ProcessHandle> of(Path mountPoint) {
    return ProcessHandle.allProcesses()
        .filter(process -> mounts(PROC.resolve(Long.toString(process.pid())), mountPoint))
        .max(Comparator.comparing(process -> process.info().startInstant().orElse(Instant.MIN)));
  }

  /**
   * Where a process has its write-back journal, by the files that it holds open; empty: it has
   * none, or it is somebody else's process.
   */
  static Optional<Path> journal(ProcessHandle process) {
    Path descriptors = PROC.resolve(Long.toString(process.pid())).resolve("fd");
    try (Stream<Path> open = Files.list(descriptors)) {
      return open.flatMap(descriptor -> target(descriptor).stream())
          .filter(SegmentDirectory::isSegment)
          .map(Path::getParent)
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<Path> target(Path descriptor) {
    try {
      return Optional.of(Files.readSymbolicLink(descriptor));
    } catch (IOException e) {
      return Optional.empty(); // closed meanwhile
    }
  }

  private static boolean mounts(Path process, Path mountPoint) {
    try {
      byte[] commandLine = Files.readAllBytes(process.resolve("cmdline"));
      List<String> words =
          Arrays.asList(new String(commandLine, StandardCharsets.UTF_8).split("\0"));
      int command = words.indexOf(Curvefs.class.getName()) + 1;
      return command > 0
          && command < words.size()
          && words.get(command).equals("mount")
          && seesTheSameTree(process)
          && words.subList(command + 1, words.size()).stream()
              .anyMatch(word -> names(word, process, mountPoint));
    } catch (IOException e) {
      return false; // it has ended, or it is somebody else's
    }
  }

  private static boolean seesTheSameTree(Path process) throws IOException {
    return Files.readSymbolicLink(process.resolve("ns/mnt"))
        .equals(Files.readSymbolicLink(PROC.resolve("self/ns/mnt")));
  }

  /** Whether a word of a command line names the mount point, from where its process stands. */
  private static boolean names(String word, Path process, Path mountPoint) {
    try {
      Path named = Files.readSymbolicLink(process.resolve("cwd")).resolve(word).normalize();
      return named.equals(mountPoint) || named.toRealPath().equals(mountPoint);
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }
}
