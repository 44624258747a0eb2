package io.curvefs.client.quickstart;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.mount.MountPoint;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The end of a {@link Quickstart}: of its processes, and of its data if that is wanted. */
public final class Teardown {
  private final Layout layout;
  private final Unmounter unmounter;
  private final PrintStream out;

  /** How to unmount. */
  @FunctionalInterface
  public interface Unmounter {
    /** Returns when everything written is in the object store and the process has ended. */
    void unmount(Path directory) throws Exception;
  }

  public Teardown(Layout layout, Unmounter unmounter, PrintStream out) {
    this.layout = layout;
    this.unmounter = unmounter;
    this.out = out;
  }

  /**
   * Unmounts, then ends the servers. A mount that is in use stays, and the servers with it.
   *
   * @param purge delete the data too
   * @param home for the line that deletes it
   */
  public void run(boolean purge, Home home) throws Exception {
    Optional<Settings> settings = Settings.remembered(layout.data());
    if (settings.isEmpty()) {
      out.println("There is no quickstart in " + layout.data() + ": nothing to stop");
      return;
    }
    Turn turn = Turn.take(layout);
    try {
      unmount(settings.get());
      for (Background server :
          List.of(Cluster.metaserver(layout, settings.get()), Cluster.s3(layout, settings.get()))) {
        stop(server);
      }
    } finally {
      turn.close();
    }
    if (purge) {
      purge();
      return;
    }
    out.printf(
        "%s keeps %s of objects, metadata, caches and logs; 'curvefs quickstart' goes on with"
            + " them.%nThis deletes them:%n  %s stop --purge%s%n",
        layout.data(), ByteSize.text((double) bytes()), home.curvefs(), layout.dataOption());
  }

  private void unmount(Settings settings) throws Exception {
    Path point = layout.mount();
    if (!Cluster.isMounted(settings, point) && Cluster.isMounted(settings, settings.mount())) {
      throw new IOException(
          "this quickstart is mounted at " + settings.mount() + ": leave --mount away");
    }
    Background process = Cluster.mount(layout, settings);
    if (!Cluster.isMounted(settings, point)) {
      stop(process);
      return;
    }
    if (Cluster.metaserver(layout, settings).running().isEmpty()) {
      out.println(
          "The metaserver is dead: the mount cannot be asked, what it had not written is lost");
      stop(process);
      if (Cluster.isMounted(settings, point)) {
        MountPoint.detach(point);
      }
      return;
    }
    unmounter.unmount(point);
    process.stop(); // where the mount was only taken out of the tree
    out.printf("%-12s unmounted from %s%n", process.title(), point);
  }

  private void stop(Background process) throws IOException {
    String pid = process.running().map(p -> " (process " + p.pid() + ")").orElse("");
    String how =
        switch (process.stop()) {
          case NOT_RUNNING -> "did not run";
          case IN_ORDER -> "stopped";
          case KILLED -> "did not stop when asked and was killed";
        };
    out.printf("%-12s %s%s%n", process.title(), how, pid);
  }

  private List<Path> ours() {
    return List.of(
        layout.s3(),
        layout.metaserver(),
        layout.cache(),
        layout.logs(),
        layout.run(),
        layout.settings());
  }

  private long bytes() throws IOException {
    long bytes = 0;
    for (Path part : ours()) {
      for (Path file : tree(part)) {
        bytes += Files.isRegularFile(file) ? Files.size(file) : 0;
      }
    }
    return bytes;
  }

  /** A directory with everything in it, from the deepest up; links are not followed. */
  private static List<Path> tree(Path part) throws IOException {
    if (!Files.exists(part)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(part)) {
      return all.sorted(Comparator.reverseOrder()).toList();
    }
  }

  /** Deletes what a quickstart made and nothing else, the file that names it last. */
  private void purge() throws IOException {
    long bytes = bytes();
    for (Path part : ours()) {
      for (Path file : tree(part)) {
        Files.deleteIfExists(file);
      }
    }
    try {
      Files.deleteIfExists(layout.data());
      out.println(layout.data() + " is deleted (" + ByteSize.text((double) bytes) + ")");
    } catch (DirectoryNotEmptyException e) {
      out.println(
          "Deleted "
              + ByteSize.text((double) bytes)
              + "; "
              + layout.data()
              + " has files of others and stays");
    }
  }
}
