package io.curvefs.client.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A directory to mount on, and the commands that take mounts away. */
public final class MountPoint {
  private static final Logger log = LoggerFactory.getLogger(MountPoint.class);
  private static final int COMMAND_SECONDS_MAX = 30;

  private MountPoint() {}

  /**
   * Makes sure that a directory can be mounted on. A mount there whose process is dead is taken
   * away.
   *
   * @return its canonical path
   * @throws IOException one line that says what is in the way
   */
  public static Path prepare(Path directory) throws IOException {
    Path absolute = directory.toAbsolutePath().normalize();
    Optional<MountTable.Entry> mounted = MountTable.at(absolute);
    if (mounted.isPresent() && mounted.get().isCurveFs()) {
      if (!isDead(absolute)) {
        throw new IOException(
            absolute
                + " is mounted already: unmount it first with 'curvefs umount "
                + absolute
                + "'");
      }
      log.warn("the mount at {} is dead; taking it away", absolute);
      detach(absolute);
    }
    try {
      Path real = absolute.toRealPath();
      if (!Files.isDirectory(real)) {
        throw new IOException(real + " is not a directory: mount on one");
      }
      return real;
    } catch (NoSuchFileException e) {
      throw new IOException(absolute + " does not exist: create it with 'mkdir -p'", e);
    }
  }

  /** A mount that answers with an error, or refuses to answer, has a process that says so. */
  private static boolean isDead(Path mountPoint) {
    try {
      MountHandle.containing(mountPoint).pid();
      return false;
    } catch (DeadMountException e) {
      return true;
    } catch (IOException e) {
      log.debug("{} does not say who serves it", mountPoint, e);
      return false;
    }
  }

  /**
   * Takes a mount away, when nothing there is in use. With {@code -c}, which not everybody may use,
   * umount asks the mount nothing: it might not answer for long.
   */
  public static boolean unmount(Path directory) throws IOException {
    return run(List.of("umount", "-c", directory.toString()))
        || run(List.of("umount", directory.toString()))
        || run(List.of("fusermount", "-u", directory.toString()));
  }

  /** Takes a mount out of the tree at once; what is open there stays open. */
  public static boolean detach(Path directory) throws IOException {
    return run(List.of("umount", "-c", "-l", directory.toString()))
        || run(List.of("umount", "-l", directory.toString()))
        || run(List.of("fusermount", "-u", "-z", directory.toString()));
  }

  private static boolean run(List<String> command) throws IOException {
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      return false; // not installed
    }
    try {
      if (!process.waitFor(COMMAND_SECONDS_MAX, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return false;
      }
      return process.exitValue() == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
      throw new IOException("interrupted", e);
    }
  }
}
