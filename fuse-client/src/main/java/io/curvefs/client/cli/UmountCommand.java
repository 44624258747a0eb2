package io.curvefs.client.cli;

import io.curvefs.client.mount.DeadMountException;
import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountPoint;
import io.curvefs.client.mount.MountTable;
import io.curvefs.client.staging.SegmentDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Unmounts and waits until everything written is in the object store and the process is gone. */
@Command(
    name = "umount",
    description = "Unmount; returns when all is written and the mount process has ended.",
    mixinStandardHelpOptions = true)
final class UmountCommand implements Callable<Integer> {
  private static final int SECONDS_MAX = 300;
  private static final int NOTICE_SECONDS = 5;
  private static final Duration LOOK = Duration.ofMillis(200);

  @Parameters(index = "0", paramLabel = "DIR")
  private Path directory;

  @Option(
      names = {"-l", "--lazy"},
      description = "Take the mount out of the tree although files are open there.")
  private boolean lazy;

  @Option(
      names = "--no-wait",
      description =
          "Leave what is in the write-back journal (-o writeback) there: the next mount on this"
              + " host uploads it.")
  private boolean noWait;

  @Option(
      names = "--wait-max",
      paramLabel = "SECONDS",
      description = "Longest wait for the upload of the write-back journal (300).")
  private int waitSecondsMax = SECONDS_MAX;

  /** The mount answers questions; during an outage of the metaservers it does not. */
  private boolean answering;

  @Override
  public Integer call() throws Exception {
    Path absolute = directory.toAbsolutePath().normalize();
    Optional<MountTable.Entry> entry = MountTable.at(absolute);
    if (entry.isEmpty() || !entry.get().isCurveFs()) {
      throw new IOException(absolute + " is not a CurveFS mount point");
    }
    Optional<ProcessHandle> process;
    try {
      process = process(absolute);
    } catch (DeadMountException e) {
      System.err.println("curvefs: the mount's process is dead; taking the mount away");
      if (!MountPoint.detach(absolute)) {
        throw new IOException(absolute + " cannot be unmounted: may this user do so?");
      }
      return 0;
    }
    Optional<MountHandle.Staged> staged = staged(absolute);
    Optional<Path> journal =
        staged.isPresent()
            ? staged.map(known -> Path.of(known.directory()))
            : process.flatMap(MountingProcess::journal);
    if (staged.isPresent()) {
      if (noWait) {
        MountHandle.containing(absolute).leaveStaged();
      } else {
        upload(absolute, staged.get());
      }
    }
    boolean done = lazy ? MountPoint.detach(absolute) : MountPoint.unmount(absolute);
    if (!done) {
      throw new IOException(
          absolute
              + " is in use: 'fuser -vm "
              + absolute
              + "' shows by whom; end them, or use --lazy");
    }
    if (process.isEmpty()) {
      throw new IOException(
          absolute
              + " is unmounted, but its process is not to be found from here: it may still be"
              + " writing to the object store");
    }
    if (journal.isPresent() && staged.isEmpty()) {
      goOnWithoutAnswer(process.get(), journal.get());
    } else {
      await(process.get(), SECONDS_MAX);
    }
    if (journal.isPresent()) {
      tellWhatIsLeft(absolute, journal.get());
    }
    return 0;
  }

  /** The unmounted process could not be asked what it has in its journal, nor told to leave it. */
  private void goOnWithoutAnswer(ProcessHandle process, Path journal)
      throws IOException, InterruptedException, ExecutionException {
    if (noWait) {
      process.destroy(); // SIGTERM: what is in the journal stays there
      await(process, SECONDS_MAX);
      return;
    }
    System.err.println(
        "curvefs: up to "
            + SegmentDirectory.bytesIn(journal)
            + " bytes in "
            + journal
            + " are not in the object store; its process has been left to upload them");
    await(process, waitSecondsMax);
  }

  /** Empty also when the mount cannot tell: what it has in its journal stays safe there. */
  private Optional<MountHandle.Staged> staged(Path mountPoint) {
    if (!answering) {
      return Optional.empty();
    }
    try {
      return MountHandle.containing(mountPoint).staged();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Waits, before the unmount, until the journal is uploaded. */
  private void upload(Path mountPoint, MountHandle.Staged first)
      throws IOException, InterruptedException {
    long begun = System.nanoTime();
    long notice = begun + TimeUnit.SECONDS.toNanos(NOTICE_SECONDS);
    MountHandle.Staged left = first;
    while (left.bytes() > 0) {
      long now = System.nanoTime();
      if (now - begun > TimeUnit.SECONDS.toNanos(waitSecondsMax)) {
        throw new IOException(
            mountPoint
                + " is still mounted: "
                + describe(left)
                + " are not in the object store after "
                + waitSecondsMax
                + " s"
                + (left.failure().isEmpty() ? "" : " (" + left.failure() + ")")
                + ". Wait longer with --wait-max, or leave them in "
                + left.directory()
                + " for the next mount on this host with --no-wait");
      }
      if (now > notice) {
        notice = now + TimeUnit.SECONDS.toNanos(NOTICE_SECONDS);
        System.err.println("curvefs: uploading, " + describe(left) + " are left");
      }
      TimeUnit.MILLISECONDS.sleep(LOOK.toMillis());
      left = now(mountPoint, left);
    }
  }

  /**
   * What is left now.
   *
   * @param before what was
   * @throws IOException when the mount has ceased to answer: one line that says what was left
   */
  private static MountHandle.Staged now(Path mountPoint, MountHandle.Staged before)
      throws IOException {
    try {
      return MountHandle.containing(mountPoint).staged().orElse(before);
    } catch (DeadMountException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(
          mountPoint
              + " is still mounted: "
              + describe(before)
              + " were not in the object store when it last answered ("
              + e.getMessage()
              + "). Leave them in "
              + before.directory()
              + " for the next mount on this host with --no-wait",
          e);
    }
  }

  private static String describe(MountHandle.Staged staged) {
    return staged.files() + " files with " + staged.bytes() + " bytes";
  }

  /**
   * Says what the process has left in its journal.
   *
   * @throws IOException when that was not asked for
   */
  private void tellWhatIsLeft(Path mountPoint, Path journal) throws IOException {
    long bytes = SegmentDirectory.bytesIn(journal);
    if (bytes == 0) {
      return;
    }
    String left =
        bytes
            + " bytes stay in "
            + journal
            + "; others see them once the next mount of this file system on this host has"
            + " uploaded them";
    if (!noWait) {
      throw new IOException(mountPoint + " is unmounted, but " + left);
    }
    System.err.println("curvefs: " + left);
  }

  /**
   * Who serves the mount; empty when it cannot be known. During an outage of the metaservers the
   * mount answers every question with an error, and is as alive as before.
   *
   * @throws DeadMountException when nobody does
   */
  private Optional<ProcessHandle> process(Path mountPoint) throws DeadMountException {
    try {
      long pid = MountHandle.containing(mountPoint).pid();
      answering = true;
      return ProcessHandle.of(pid);
    } catch (DeadMountException e) {
      throw e;
    } catch (IOException e) {
      System.err.println("curvefs: " + e.getMessage() + "; unmounting all the same");
      return MountingProcess.of(mountPoint);
    }
  }

  private static void await(ProcessHandle process, int secondsMax)
      throws IOException, InterruptedException, ExecutionException {
    CompletableFuture<ProcessHandle> end = process.onExit();
    for (int waited = 0; waited < secondsMax; waited += NOTICE_SECONDS) {
      try {
        end.get(Math.min(NOTICE_SECONDS, secondsMax - waited), TimeUnit.SECONDS);
        return;
      } catch (TimeoutException e) {
        System.err.println(
            "curvefs: unmounted; process "
                + process.pid()
                + " is still writing to the object store");
      }
    }
    throw new IOException(
        "process "
            + process.pid()
            + " has not ended within "
            + secondsMax
            + " s: its log says what it waits for");
  }
}
