package io.curvefs.e2e.testing;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A real mount of a file system of a {@link Cluster}. */
public final class Mount {
  private final Cluster cluster;
  private final String fileSystem;
  private final List<String> options;
  private final Path root;
  private final Path log;

  Mount(Cluster cluster, String fileSystem, int number, List<String> options) {
    this.cluster = cluster;
    this.fileSystem = fileSystem;
    this.root = cluster.directory().resolve("mount-" + number);
    this.log = cluster.directory().resolve("mount-" + number + ".log");
    this.options = new ArrayList<>(options);
    this.options.add("log_file=" + log);
    if (options.stream().noneMatch(option -> option.startsWith("cache_dir"))) {
      this.options.add("cache_dir=" + cluster.directory().resolve("cache-" + number));
    }
  }

  public Shell.Result tryMount() {
    try {
      Files.createDirectories(root);
    } catch (IOException e) {
      // A dead mount's directory cannot even be looked at.
    }
    return Shell.run(
        Checkout.MOUNT,
        cluster.addresses() + "/" + fileSystem,
        root,
        "-o",
        String.join(",", options));
  }

  public void mount() {
    tryMount().ok();
  }

  public String fileSystem() {
    return fileSystem;
  }

  public Path root() {
    return root;
  }

  public Path path(String relative) {
    return root.resolve(relative);
  }

  public String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public long pid() {
    try {
      return MountHandle.containing(root).pid();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Unmounts with our own command, which waits for the process. */
  public void unmount() {
    Shell.run(Checkout.CURVEFS, "umount", root).ok();
  }

  /** SIGKILL to the mount's process. */
  public void kill() {
    ProcessHandle process = ProcessHandle.of(pid()).orElseThrow();
    process.destroyForcibly();
    awaitEnd(process);
  }

  /** Waits until the process is gone. */
  public static void awaitEnd(ProcessHandle process) {
    Await.until("the mount's end", Duration.ofSeconds(60), () -> !process.isAlive());
  }

  public boolean isMounted() {
    try {
      Optional<MountTable.Entry> entry = MountTable.at(root);
      return entry.isPresent() && entry.get().isCurveFs();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Map<String, Double> statistics() {
    try {
      return MountHandle.containing(root).statistics();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A counter, 0 when it has not counted anything. */
  public double counted(String name) {
    return statistics().getOrDefault(name, 0.0);
  }

  public void dropCaches() {
    try {
      MountHandle.containing(root).dropCaches();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whatever became of it: nothing of it stays. */
  void forget() {
    if (isMounted()) {
      Optional<ProcessHandle> process = Optional.empty();
      try {
        process = ProcessHandle.of(MountHandle.containing(root).pid());
      } catch (IOException e) {
        // dead
      }
      process.ifPresent(ProcessHandle::destroyForcibly); // first: it might flush to nobody
      Shell.run("umount", "-l", root);
    }
  }
}
