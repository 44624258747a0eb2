package io.curvefs.client.bench;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountTable;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A directory that is measured.
 *
 * @param directory that the user named
 * @param files directory of our own in it
 * @param caches how its files get cold
 * @param probe of the mount it lies in; null: it lies in none of ours
 */
record Target(Path directory, Path files, CacheDropper caches, @Nullable MountProbe probe) {
  static Target in(Path directory, Path files) throws IOException {
    if (MountTable.containing(directory.toRealPath()).isEmpty()) {
      return new Target(directory, files, new PageCache(), null);
    }
    MountHandle mount = MountHandle.containing(directory.toRealPath());
    return new Target(directory, files, new MountCaches(mount), new MountProbe(mount));
  }

  MountProbe.Reading cost() throws IOException {
    return probe == null ? MountProbe.Reading.NONE : probe.read();
  }
}
