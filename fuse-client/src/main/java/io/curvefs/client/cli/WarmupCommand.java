package io.curvefs.client.cli;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.JobStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** Brings files near before they are read. */
@Command(
    name = "warmup",
    description = {
      "Bring files near before they are read: into the disk cache of this host, into the memcached",
      "servers that all hosts share, or both. Jobs run in the mount: they outlive this command, and",
      "are gone on with after an unmount or a crash. Users other than root need write permission on",
      "the mount's root directory."
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      WarmupAddCommand.class,
      WarmupListCommand.class,
      WarmupStatusCommand.class,
      WarmupCancelCommand.class,
      WarmupCheckCommand.class,
      WarmupEvictCommand.class
    })
final class WarmupCommand {
  private WarmupCommand() {}

  /** A job and the mount it belongs to. */
  record Found(WarmupHandle mount, JobStatus job) {}

  /**
   * The job with a number.
   *
   * @param directory in its mount; null: look in every mount of this host
   */
  static Found find(int id, @Nullable Path directory) throws IOException {
    List<MountHandle> mounts =
        directory == null
            ? MountHandle.all()
            : List.of(MountHandle.containing(directory.toAbsolutePath()));
    List<Found> found = new ArrayList<>();
    for (MountHandle mount : mounts) {
      WarmupHandle handle = new WarmupHandle(mount);
      try {
        handle.job(id).ifPresent(job -> found.add(new Found(handle, job)));
      } catch (IOException e) {
        if (mounts.size() == 1) {
          throw e;
        }
        System.err.println("curvefs: " + e.getMessage());
      }
    }
    if (found.isEmpty()) {
      throw new IOException("there is no warmup job " + id + ": 'curvefs warmup list' lists them");
    }
    if (found.size() > 1) {
      throw new IOException(
          "several mounts have a warmup job "
              + id
              + ": say --mount DIR, such as "
              + found.get(0).mount.mount().root());
    }
    return found.get(0);
  }
}
