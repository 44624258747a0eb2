package io.curvefs.client.bench;

import io.curvefs.client.mount.MountHandle;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.Collection;

/** All caches of a CurveFS mount. */
final class MountCaches implements CacheDropper {
  /**
   * How long the kernel may keep names and attributes that it was told: one second unless the mount
   * was asked for another time.
   */
  private static final long KERNEL_MILLIS = 1_100;

  private final MountHandle mount;

  MountCaches(MountHandle mount) {
    this.mount = mount;
  }

  @Override
  public void drop(Collection<Path> files) throws IOException {
    mount.dropCaches();
    try {
      Thread.sleep(KERNEL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException("interrupted").initCause(e);
    }
  }

  @Override
  public String key() {
    return "curvefs";
  }

  @Override
  public String explanation() {
    return "the mount drops memory, disk, page and metadata caches; the object store keeps its own";
  }
}
