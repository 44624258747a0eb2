package io.curvefs.client.epochs;

import io.curvefs.client.bench.MountProbe;
import io.curvefs.client.bench.PageCache;
import io.curvefs.client.bench.Requests;
import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountPoint;
import io.curvefs.client.quickstart.Children;
import io.curvefs.client.quickstart.ProcessEnd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;

/** A mount with a cache directory of its own, which stands for a host. */
final class Host implements AutoCloseable {
  private static final Duration END_MAX = Duration.ofSeconds(30);

  /** By default the kernel may use names and attributes that it was told for a second. */
  private static final long KERNEL_MILLIS = 1_100;

  /** Has the kernel forget names and attributes that nobody uses, of all file systems: proc(5). */
  private static final Path DROP_CACHES = Path.of("/proc/sys/vm/drop_caches");

  private static final String NAMES_AND_ATTRIBUTES = "2";

  private final Path root;
  private final Path cache;
  private final MountHandle mount;
  private final MountProbe probe;

  /**
   * @param root where it is mounted
   * @param cache its cache directory
   */
  Host(Path root, Path cache) throws IOException {
    this.root = root;
    this.cache = cache;
    this.mount = MountHandle.containing(root);
    this.probe = new MountProbe(mount);
  }

  Path root() {
    return root;
  }

  /** What it has asked of others so far. */
  Requests requests() throws IOException {
    return probe.read().requests();
  }

  /** Nothing is cached on this host any more. */
  void makeCold() throws IOException {
    mount.dropCaches();
    Files.writeString(DROP_CACHES, NAMES_AND_ATTRIBUTES);
    Children.pause(KERNEL_MILLIS);
  }

  /**
   * Content that is cached on this host is on its disk alone, and not in the kernel's cache of
   * that.
   *
   * @param files that the kernel may have pages of
   */
  void makeDiskWarm(Collection<Path> files) throws IOException {
    PageCache pages = new PageCache();
    pages.dropMany(files);
    mount.dropMemory();
    pages.dropMany(FilesBelow.of(cache).keySet());
    Children.pause(KERNEL_MILLIS);
  }

  /** Unmounts, and waits for the end of the process. */
  @Override
  public void close() throws IOException {
    Optional<ProcessHandle> process = ProcessHandle.of(mount.pid());
    if (!MountPoint.unmount(root)) {
      throw new IOException(root + " cannot be unmounted: is it in use?");
    }
    if (process.isPresent() && !ProcessEnd.await(process.get(), END_MAX)) {
      throw new IOException("the process of the mount at " + root + " does not end");
    }
  }
}
