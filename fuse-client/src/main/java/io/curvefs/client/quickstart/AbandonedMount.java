package io.curvefs.client.quickstart;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountPoint;
import io.curvefs.client.mount.MountTable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** A mount that nobody needs any more, alive or dead. */
public final class AbandonedMount {
  private static final Duration END_MAX = Duration.ofSeconds(30);

  private AbandonedMount() {}

  /** Takes a mount away, whatever becomes of what was written through it. May be repeated. */
  public static void remove(Path root) throws IOException {
    if (MountTable.at(root).isEmpty()) {
      return;
    }
    Optional<ProcessHandle> process = Optional.empty();
    try {
      process = ProcessHandle.of(MountHandle.containing(root).pid());
    } catch (IOException e) {
      // Nobody serves it.
    }
    process.ifPresent(ProcessHandle::destroyForcibly);
    if (!MountPoint.detach(root)) {
      throw new IOException(root + " cannot be unmounted: do it with 'umount -l " + root + "'");
    }
    if (process.isPresent() && !ProcessEnd.await(process.get(), END_MAX)) {
      throw new IOException("process " + process.get().pid() + " cannot be killed");
    }
  }
}
