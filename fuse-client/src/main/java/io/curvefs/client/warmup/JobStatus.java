package io.curvefs.client.warmup;

import java.util.List;

/**
 * A job as it is now; its figures may stem from slightly different moments.
 *
 * @param createdSeconds when it was asked for, seconds since 1970
 * @param endedSeconds when it ended; 0: it has not
 * @param runningMillis how long it has been moving blocks, since the mount began or it resumed
 * @param filesTotal files in the tree, as counted before it began
 * @param bytesTotal their bytes
 * @param filesCached (of a check or an eviction: files looked at)
 * @param bytesDone bytes of blocks that are where they belong now
 * @param bytesMoved of these, bytes that had to be moved
 * @param message why it was refused or broke, or what it waits for; else empty
 * @param tiers of a check or an eviction
 */
public record JobStatus(
    int id,
    JobRequest request,
    JobState state,
    long createdSeconds,
    long endedSeconds,
    long runningMillis,
    long filesTotal,
    long bytesTotal,
    long filesCached,
    long bytesDone,
    long bytesMoved,
    long filesFailed,
    long filesSkipped,
    String message,
    List<TierCount> tiers) {
  public JobStatus {
    tiers = List.copyOf(tiers);
  }

  /** Files whose outcome is known. */
  public long filesEnded() {
    return filesCached + filesFailed + filesSkipped;
  }
}
